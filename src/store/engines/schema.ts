import type { Generated } from 'kysely';

import type { BodyObjectTable, BodyPlaceTable } from './body-tables.ts';
import type { ChangeTable, SegmentTable } from './feed-tables.ts';
import type { LabelTable, MailboxTable } from './mailbox-tables.ts';
import type { MessageHeadersTable, MessageTable } from './message-tables.ts';
import type {
  DeliveryPositionTable,
  ParkedDeliveryTable,
  ParkedEventTable,
  SubscribedEventTable,
  SubscriptionTable,
} from './subscription-tables.ts';

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
    /** Counted since migration 0020; earlier failures are not in it. */
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
   * `id` is the first run id of a workflow. `removed_at` is set when the workflow ended with the removal or renaming of
   * its mailbox.
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
  mailbox_events: SubscribedEventTable;
  parked_events: ParkedEventTable;
  /**
   * One row. `id` is drawn with the database; a copy by a move is another feed. `former_ids`: the ids of databases
   * whose mailboxes were moved here, as JSON.
   */
  feed: { key: number; id: string; position: number; pruned_position: number; former_ids: Generated<string> };
  feed_segments: SegmentTable;
  /** The sequence up to which a mailbox's changes are in segments, and the last position that was pruned. */
  feed_mailboxes: { mailbox_key: number; sequence: number; pruned_position: number };
}
