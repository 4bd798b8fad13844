import type { Generated } from 'kysely';

/**
 * The tables. History ids are text of 20 digits (see history-id-text.ts), so their order is numeric in every database;
 * lists and objects are JSON text; times are epoch milliseconds; yes and no are 1 and 0.
 */
export interface Schema {
  mailboxes: MailboxTable;
  ledgers: { mailbox_key: number; ledger: string };
  usage: { mailbox_key: number; method: string; calls: number; units: number; rejected: number };
  day_usage: { mailbox_key: number; day: string; units: number };
  messages: MessageTable;
  /** A body is here, or named in `outside_bodies`, never both. */
  bodies: { mailbox_key: number; message_id: string; encoding: string; body: Uint8Array };
  outside_bodies: { mailbox_key: number; message_id: string; encoding: string; object_key: number };
  body_objects: BodyObjectTable;
  body_places: BodyPlaceTable;
  /** By the first run id of a workflow; `removed_at` is set when it ended with its mailbox's removal or renaming. */
  workflow_chains: { id: string; removed_at: number | null };
  labels: LabelTable;
  label_listings: { mailbox_key: number; message_id: string; label_id: string };
  audit_listings: { mailbox_key: number; audit: number; message_id: string; label_id: string };
  applied_operations: { mailbox_key: number; record_id: string; message_id: string; operation: string };
  changes: ChangeTable;
}

export interface MailboxTable {
  key: Generated<number>;
  id: string;
  settings: string;
  history_id: string | null;
  generation: number;
  /** The newest generation whose listing ended: rows admitted by a later one are not known to an earlier listing. */
  listed_generation: number;
  full_sync: string | null;
  marks: string;
  /** Everything up to it is settled: history shows no more of it. */
  settled_history_id: string | null;
  relist_at: number | null;
  condition: string | null;
  change_sequence: number;
  /** 1 when the scope's limit left messages out. */
  limit_reached: number;
  /** Internal date of the oldest message within the scope's limit; null while it is not known. */
  scope_floor: number | null;
  created_at: number;
  synced_at: number | null;
  /** What the last audit found. */
  audit: string | null;
  /** The watch that Gmail was asked for. */
  watch: string | null;
  /** The account behind the credentials, as its profile said last. */
  account: string | null;
  /** The id that the mailbox had before this one. */
  renamed_from: string | null;
  /** What the last listing left open: see Doubt. */
  doubt: string | null;
}

export interface LabelTable {
  mailbox_key: number;
  id: string;
  name: string;
  type: string;
  /** Since when labels.list no longer names it; null while it does. */
  unlisted_since: number | null;
  /** When Gmail is asked whether it is gone; null while labels.list names it. */
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
  /** The format in which the body is held; null when it is not. */
  format: string | null;
  /** How many parts Gmail keeps apart from a FULL body; null where the body does not tell. */
  attachments: number | null;
  /** 1 when the body holds them, or there are none. */
  attachments_held: number;
  /** What the stored message lacks, because Gmail does not give it: `raw` (held as full), `attachments`; null when nothing. */
  lacks: string | null;
  /** Set for pending and failed rows, and for stored ones whose attachments are asked for again: the index of the work to do holds no others. */
  lane: string | null;
  /** Order within the lane, smallest first. */
  rank: number;
  /** Order of listing in `listed_generation`. */
  position: number | null;
  listed_generation: number;
  /** The generation whose listing counts this message among those within the scope's limit. */
  admitted_generation: number | null;
  attempts: number;
  last_error: string | null;
  /** 0: at once. */
  next_attempt_at: number;
  discovered_at: number;
  /** Since when the labels must be read again. */
  refresh_at: number | null;
  /** 1 when the change feed's last word on this message is that it is there. */
  announced: number;
  /** When a `gone` message was buried, while its body is still kept; null otherwise. */
  buried_at: number | null;
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
}

/** Where bodies lie outside the database. A place stays known as long as rows name bodies in it, whatever is configured later. */
export interface BodyPlaceTable {
  key: Generated<number>;
  url: string;
  /** Drawn when the place became known: two databases that share a place do not touch each other's objects. */
  prefix: string;
  /** 1: this database removes objects. 0: they belong to another one by now (see move). 2: they will be this one's once the move is done. */
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
  /** Since when perhaps no row names it; null while one does. */
  loose_since: number | null;
  /** Since when it is being removed: no row may name it any more. */
  condemned_at: number | null;
}
