import type { MailboxId } from '../../model/ids.ts';
import type { MailboxSettings } from '../../model/settings.ts';
import type { Condition, Conditions, Doubt, MailboxRow, MailboxWatch } from '../rows/mailbox-row.ts';

/** Which mailboxes there are, and what is kept of each as a whole. */
export interface MailboxRegistry {
  /**
   * Creates the mailbox, or changes the settings of an existing one. Answers the mailbox as it is then.
   * Rows follow changed settings when the next generation's listing ends.
   * With `replaces` settings are changed only while they are still these: an attempt that was given up may be asking.
   * `chain` is the first run id of the workflow that asks: once it was removed with the mailbox, it creates none any more, and gets `lost`.
   */
  putMailbox(request: { mailbox: MailboxId; settings: MailboxSettings; replaces?: MailboxSettings; chain?: string; now: number }): Promise<MailboxRow>;
  /** null when the store does not know the mailbox. */
  getMailbox(mailbox: MailboxId): Promise<MailboxRow | null>;
  listMailboxes(): Promise<readonly MailboxRow[]>;
  /** What the operator should see beside the workflow's state: a lane's last failure, and until when Gmail told it to wait. The other lane's stays. */
  noteCondition(request: { mailbox: MailboxId; lane: keyof Conditions; condition: Condition | null }): Promise<void>;
  /** What became of asking Gmail to watch the mailbox; null when it was told to stop. */
  saveWatch(request: { mailbox: MailboxId; watch: MailboxWatch | null }): Promise<void>;
  /** What is doubted from now on (null: nothing), and when the next listing from the top is due. Does nothing when the generation is not the stored one. */
  saveDoubt(request: { mailbox: MailboxId; generation: number; doubt: Doubt | null; relistAt: number | null }): Promise<void>;
  /** Settles the time of the next listing from the top; null when none is due any more. */
  setRelistAt(request: { mailbox: MailboxId; generation: number; relistAt: number | null }): Promise<void>;
  /** Usage by method over the mailbox's life. */
  getUsage(mailbox: MailboxId): Promise<readonly { method: string; calls: number; units: number; rejected: number }[]>;
  /** Units that all mailboxes of the store spent on a Pacific day (`2026-11-22`). A crash may have lost what a session counted within a second. */
  unitsOfDay(day: string): Promise<number>;
  /** The document of the quota ledger; null before the first call. */
  getLedger(mailbox: MailboxId): Promise<string | null>;
}
