import type { HistoryId, LabelId, MailboxId, MessageId } from '../../model/ids.ts';
import type { AuditResult, Drift } from '../rows/mailbox-row.ts';

/** What an audit lists, and how it differs from the rows. */
export interface AuditStore {
  /** Begins an audit: what an earlier one listed is forgotten. */
  beginAudit(request: { mailbox: MailboxId; audit: number }): Promise<void>;
  /** Remembers a page of the scope's listing (`labelId` null), or of a label's. */
  saveAuditPage(request: { mailbox: MailboxId; audit: number; labelId: LabelId | null; messageIds: readonly MessageId[] }): Promise<void>;
  /**
   * Compares what was listed with the rows, in bounded memory, at most `limit` messages of each kind. Left out is what is known to be under way:
   * pending and failed rows, rows that wait for a refresh, and rows that changed after `since`. `checked` counts the rows whose labels were compared.
   */
  compareAudit(request: { mailbox: MailboxId; audit: number; since: HistoryId; limit: number }): Promise<Drift & { readonly checked: number }>;
  /** Keeps an audit's result and forgets what it listed. Does nothing when another audit has begun since. */
  saveAudit(request: { mailbox: MailboxId; audit: number; result: AuditResult }): Promise<void>;
}
