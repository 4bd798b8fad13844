import type { Generated } from 'kysely';

/** A subscription: see Subscription. */
export interface SubscriptionTable {
  name: string;
  filter: string;
  batch: number;
  delivery_order: string;
  /** As JSON. A webhook's secrets are among the credentials. */
  target: Generated<string>;
  created_at: number;
  ended_at: number | null;
  ended_reason: string | null;
}

/** How far a subscription is in a mailbox. Without a row it is at the beginning of the mailbox's changes. */
export interface DeliveryPositionTable {
  mailbox_key: number;
  subscription: string;
  /** Every change up to this one was accepted, parked, or not asked for. */
  sequence: number;
  /** The same for events, by their numbers. */
  event: Generated<number>;
  /** How often somebody moved the position back. Each time, the same changes make deliveries with new ids. */
  replays: Generated<number>;
  /** How many changes and events were accepted. */
  delivered: Generated<number>;
  accepted_at: number | null;
  /**
   * The delivery under way and the sequences of its changes, fixed before the first attempt; null between two
   * deliveries.
   */
  delivery_id: string | null;
  sequences: string | null;
  /** The event of the delivery under way, which is delivered alone: then there are no `sequences`. */
  delivery_event: Generated<number | null>;
  /** Up to this sequence changes are delivered one by one, since a batch with them kept failing. */
  single_until: Generated<number>;
  /** Attempts that have begun at the delivery under way, and when the first one did. */
  attempts: Generated<number>;
  first_attempt_at: number | null;
  /** How many attempts have no reported end, and the delivery for which they are counted. */
  unended: Generated<number>;
  unended_delivery: Generated<string | null>;
  /** Nothing is attempted before this time; null: at once. */
  next_attempt_at: number | null;
  last_error: string | null;
  /** JSON; null when nothing is known that a person could do. */
  last_remedy: string | null;
  /** 0 when no parked change or event waits for a replay. Otherwise the parked rows show whether one does. */
  replays_parked: Generated<number>;
  /** How many changes the subscription did not get, since they had been pruned. */
  not_kept: Generated<number>;
}

/** What every parked change and event has. */
interface ParkedColumns {
  /** Since when the change or event waits for a replay, a delivery of its own; null when nobody asked for one. */
  replay_at: Generated<number | null>;
  /** The delivery id of the replay's attempt that has begun. */
  replay_id: Generated<string | null>;
  /** How often a replay was asked for. */
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
export interface SubscribedEventTable {
  mailbox_key: number;
  /** Counts the mailbox's events, without gaps. */
  number: number;
  /**
   * The workflow's id for the event, so that a repeated attempt does not write it twice. null for an event that the
   * store's own transaction wrote.
   */
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
