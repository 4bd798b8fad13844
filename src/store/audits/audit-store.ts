import type { HistoryId, LabelId, MailboxId, MessageId } from '../../model/ids.ts';
import type { AuditResult, Drift } from '../rows/mailbox-row.ts';

/** Stores what an audit lists at Gmail, and compares it with the rows. */
export interface AuditStore {
  /** Begins an audit and discards the listings of an earlier one. */
  beginAudit(request: { mailbox: MailboxId; audit: number }): Promise<void>;
  /** Stores a page of the scope's listing (`labelId` null), or of a label's listing. */
  saveAuditPage(request: {
    mailbox: MailboxId;
    audit: number;
    labelId: LabelId | null;
    messageIds: readonly MessageId[];
  }): Promise<void>;
  /**
   * Compares the listings with the rows in bounded memory and reports at most `limit` messages of each kind. Rows with
   * work under way are skipped: pending and failed rows, rows that wait for a refresh, and rows that changed after
   * `since`.
   *
   * @returns `checked`: how many rows' labels were compared
   */
  compareAudit(request: {
    mailbox: MailboxId;
    audit: number;
    since: HistoryId;
    limit: number;
  }): Promise<Drift & { readonly checked: number }>;
  /** Saves an audit's result and discards its listings. Does nothing when another audit has begun since. */
  saveAudit(request: { mailbox: MailboxId; audit: number; result: AuditResult }): Promise<void>;
}
