import type { MailboxId } from '../../model/ids.ts';
import type { GmailMethod } from '../../model/prices.ts';

/**
 * The durable record of spent units, so that a crash or a move to another worker does not grant a minute twice.
 * `update` is atomic across all processes; its function may run more than once and must be pure.
 */
export interface QuotaLedger {
  update<Result>(
    mailbox: MailboxId,
    change: (ledger: string | null) => { ledger: string; result: Result },
  ): Promise<Result>;
  /**
   * Adds to the mailbox's lifetime counters, which `status` shows, and to the counters of the Pacific day `day` for the
   * project's daily budget.
   */
  addUsage(mailbox: MailboxId, usage: readonly MethodUsage[], day: string): Promise<void>;
}

export interface MethodUsage {
  readonly method: GmailMethod;
  readonly calls: number;
  readonly units: number;
  /** Calls that Gmail answered with a rate rejection. They cost nothing. */
  readonly rejected: number;
}
