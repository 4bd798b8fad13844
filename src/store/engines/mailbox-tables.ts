import type { Generated } from 'kysely';

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
   * When Gmail is next asked about the label: whether it is gone, or, for a new label, which messages carry it. null
   * when nothing is to be asked.
   */
  ask_at: number | null;
}
