import type { Generated } from 'kysely';

/** Who asked for changes: see Subscription. */
export interface SubscriptionTable {
  name: string;
  filter: string;
  batch: number;
  delivery_order: string;
  /** As JSON. A webhook's keys are among the credentials. */
  target: Generated<string>;
  created_at: number;
  ended_at: number | null;
  ended_reason: string | null;
}

/** How far a subscription is in a mailbox. Without a row it is at the beginning of the mailbox's changes. */
export interface DeliveryPositionTable {
  mailbox_key: number;
  subscription: string;
  /** Everything up to it was accepted, parked, or not asked for. */
  sequence: number;
  /** The same for events, by their numbers. */
  event: Generated<number>;
  /** How often somebody moved it back: the same changes are then other deliveries. */
  replays: Generated<number>;
  /** How many changes were accepted. */
  delivered: Generated<number>;
  accepted_at: number | null;
  /** The delivery under way and the sequences of its changes, fixed before the first attempt; null between two. */
  delivery_id: string | null;
  sequences: string | null;
  /** The event of the delivery under way, which is delivered alone: then there are no `sequences`. */
  delivery_event: Generated<number | null>;
  /** Up to this sequence changes are delivered one by one, since a batch with them kept failing. */
  single_until: Generated<number>;
  /** Attempts that have begun at the delivery under way, and when the first one did. */
  attempts: Generated<number>;
  first_attempt_at: number | null;
  /** Of them, those whose end no worker told, and the delivery that they are counted for. */
  unended: Generated<number>;
  unended_delivery: Generated<string | null>;
  /** Nothing is attempted before it; null: at once. */
  next_attempt_at: number | null;
  last_error: string | null;
  /** JSON; null when nothing is known that a person could do. */
  last_remedy: string | null;
  /** 0 when nothing that was parked waits to be delivered once more; otherwise the parked rows say so. */
  replays_parked: Generated<number>;
  /** Changes that it did not get, since they had been pruned. */
  not_kept: Generated<number>;
}

/** What every parked change and event has. */
interface ParkedColumns {
  /** Since when it waits to be delivered alone once more; null when nobody asked for that. */
  replay_at: Generated<number | null>;
  /** The attempt at it that has begun. */
  replay_id: Generated<string | null>;
  /** How often it was asked for. */
  replays: Generated<number>;
}

/** A change that a subscription's target did not take. */
export interface ParkedDeliveryTable extends ParkedColumns {
  mailbox_key: number;
  subscription: string;
  sequence: number;
  delivery_id: string;
  attempts: number;
  error: string;
  parked_at: number;
}

/** What happened to a mailbox besides changes of its mail: see SubscribedEvent. */
export interface MailboxEventTable {
  mailbox_key: number;
  /** Counts the mailbox's events, without gaps. */
  number: number;
  /** The workflow's id of it, by which an attempt that is repeated finds it; null where a transaction wrote it. */
  id: string | null;
  /** The mailbox's newest change at that time. */
  after_sequence: number;
  kind: string;
  message_id: string | null;
  code: string | null;
  reason: string | null;
  at: number;
}

/** An event that a subscription's target did not take. */
export interface ParkedEventTable extends ParkedColumns {
  mailbox_key: number;
  subscription: string;
  event: number;
  delivery_id: string;
  attempts: number;
  error: string;
  parked_at: number;
}
