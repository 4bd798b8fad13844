import type { Generated } from 'kysely';

/**
 * The tables. History ids are text of 20 digits (see history-id-text.ts), so that text order is numeric order in every
 * database. Lists and objects are JSON text, times are epoch milliseconds, booleans are 1 and 0.
 */
export interface Schema {
  mailboxes: MailboxTable;
  ledgers: { mailbox_key: number; ledger: string };
  usage: {
    mailbox_key: number;
    method: string;
    calls: number;
    units: number;
    rejected: number;
    /** Counted since migration 0020; earlier failures are 0 here. */
    failed: number;
  };
  day_usage: { mailbox_key: number; day: string; units: number };
  messages: MessageTable;
  message_headers: MessageHeadersTable;
  /** A body is stored here or named in `outside_bodies`, never both. */
  bodies: { mailbox_key: number; message_id: string; encoding: string; body: Uint8Array };
  outside_bodies: { mailbox_key: number; message_id: string; encoding: string; object_key: number };
  body_objects: BodyObjectTable;
  body_places: BodyPlaceTable;
  /**
   * By the first run id of a workflow; `removed_at` is set when the workflow ended with the removal or renaming of its
   * mailbox.
   */
  workflow_chains: { id: string; removed_at: number | null };
  labels: LabelTable;
  label_listings: { mailbox_key: number; message_id: string; label_id: string };
  audit_listings: { mailbox_key: number; audit: number; message_id: string; label_id: string };
  applied_operations: { mailbox_key: number; record_id: string; message_id: string; operation: string };
  changes: ChangeTable;
  subscriptions: SubscriptionTable;
  delivery_positions: DeliveryPositionTable;
  parked_deliveries: ParkedDeliveryTable;
  mailbox_events: MailboxEventTable;
  parked_events: ParkedEventTable;
  /**
   * One row. `id` is drawn with the database; a copy by a move is another feed. `former_ids`: the ids of databases
   * whose mailboxes were moved here, as JSON.
   */
  feed: { key: number; id: string; position: number; pruned_position: number; former_ids: Generated<string> };
  feed_segments: SegmentTable;
  /** Up to which of its sequences a mailbox's changes are in segments, and the last position that was pruned. */
  feed_mailboxes: { mailbox_key: number; sequence: number; pruned_position: number };
}

/** Changes of one mailbox that follow each other in the feed of all mailboxes. */
export interface SegmentTable {
  /** The position of its last change. Positions count the changes of all mailboxes. */
  position: number;
  /** The mailbox's key. The row outlives the mailbox, so that cursors in its segments stay valid. */
  changes_of: number;
  first_sequence: number;
  last_sequence: number;
  /** Drawn with the segment: a restored database gives the position another one. */
  tag: string;
}

export interface MailboxTable {
  key: Generated<number>;
  id: string;
  settings: string;
  history_id: string | null;
  generation: number;
  /** The newest generation whose listing has ended. No ended listing knows rows that a later generation admitted. */
  listed_generation: number;
  full_sync: string | null;
  marks: string;
  /** Everything up to this history id has settled: history will show no further records of it. */
  settled_history_id: string | null;
  relist_at: number | null;
  condition: string | null;
  change_sequence: number;
  /** The changes up to this sequence were pruned. */
  pruned_sequence: Generated<number>;
  /** The number of the newest event. */
  event_sequence: Generated<number>;
  /** 1 when the scope's limit left messages out. */
  limit_reached: number;
  /** Internal date of the oldest message within the scope's limit; null while it is not known. */
  scope_floor: number | null;
  created_at: number;
  synced_at: number | null;
  /** What the last audit found. */
  audit: string | null;
  /** The state of Gmail's watch: see MailboxWatch. */
  watch: string | null;
  /** The account behind the credentials, by its last profile. */
  account: string | null;
  /** The id that the mailbox had before this one. */
  renamed_from: string | null;
  /** What the last listing could not prove: see Doubt. */
  doubt: string | null;
}

export interface LabelTable {
  mailbox_key: number;
  id: string;
  name: string;
  type: string;
  /** Since when labels.list has not named the label; null while it does. */
  unlisted_since: number | null;
  /**
   * When Gmail is next asked about the label: whether it is gone, or, of a new one, for its listing. null when nothing
   * is asked.
   */
  ask_at: number | null;
}

export interface MessageTable {
  mailbox_key: number;
  id: string;
  thread_id: string;
  label_ids: string;
  state: string;
  history_id: string | null;
  reading_history_id: string | null;
  internal_date: number | null;
  size_estimate: number;
  snippet: string;
  /** The format in which the body is held; null when no body is held. */
  format: string | null;
  /** How many parts Gmail stores apart from a FULL body; null when the body does not say. */
  attachments: number | null;
  /** 1 when the body holds them, or there are none. */
  attachments_held: number;
  /**
   * What the stored message lacks, because Gmail does not give it: `raw` (held as full), `attachments`; null when
   * nothing.
   */
  lacks: string | null;
  /**
   * Set for pending and failed rows, and for stored ones whose attachments or raw are asked for again. The index of the
   * work to do holds only these.
   */
  lane: string | null;
  /** Order within the lane, smallest first. */
  rank: number;
  /** Order of listing in `listed_generation`. */
  position: number | null;
  listed_generation: number;
  /**
   * The generation whose listing counted this message within the scope's limit; 0 for one that arrived after a listing.
   */
  admitted_generation: number | null;
  attempts: number;
  last_error: string | null;
  /** 0: at once. */
  next_attempt_at: number;
  discovered_at: number;
  /** Since when the labels must be read again. */
  refresh_at: number | null;
  /** 1 when the change feed's last entry on this message says that it exists. */
  announced: number;
  /** When a `gone` message was buried, while its body is still kept; null otherwise. */
  buried_at: number | null;
  /** Why the row is `gone`: see WhyGone. null in rows of earlier versions, and meaningless in another state. */
  gone_because: string | null;
  /** 1 when `message_headers` says what the held body says. Builds before it leave 0. */
  described: Generated<number>;
}

/** What people ask of a message, read from its body; it is held as long as the body is. */
export interface MessageHeadersTable {
  mailbox_key: number;
  message_id: string;
  subject: string | null;
  from_name: string | null;
  from_address: string | null;
  /** JSON: `[["to", "Ada", "ada@example.com"], …]`, also of kind `cc` and `bcc`. */
  recipients: string;
  /** The header Date, epoch milliseconds; null when it is missing or no date. */
  sent_at: number | null;
  /** The header Message-ID, with its angle brackets. */
  rfc822_id: string | null;
  /** null when the held format does not say. */
  has_attachments: number | null;
}

export interface ChangeTable {
  mailbox_key: number;
  sequence: number;
  kind: string;
  message_id: string;
  thread_id: string;
  label_ids: string;
  history_id: string;
  at: number;
  /** Labels that the message gained and lost, and why it is gone. An earlier version leaves all three null. */
  added: string | null;
  removed: string | null;
  why: string | null;
}

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

/**
 * A place of bodies outside the database. It stays known as long as rows name bodies in it, whatever is configured
 * later.
 */
export interface BodyPlaceTable {
  key: Generated<number>;
  url: string;
  /** Drawn when the place became known: two databases that share a place do not touch each other's objects. */
  prefix: string;
  /** Whether this database removes its objects: see `store/bodies/place-sweeps.ts`. */
  sweeps: number;
}

/** An object outside the database: registered before it is written, forgotten after it is removed. */
export interface BodyObjectTable {
  key: Generated<number>;
  place_key: number;
  /** SHA-256 of the stored bytes, in hexadecimal. */
  hash: string;
  /** Drawn with each registration, and part of the object's name: a name is never used again. */
  nonce: string;
  size: number;
  /** 1 once it is known to be written. */
  written: number;
  /** Since when possibly no row names the object; null while one does. */
  loose_since: number | null;
  /** Since when the object is being removed. No row may name it from then on. */
  condemned_at: number | null;
}
