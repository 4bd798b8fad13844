import type { MailboxId } from '../../model/ids.ts';
import type { GmailMethod } from '../../model/prices.ts';

/**
 * Where the units that were spent are written down, so that a crash or a move to another worker grants no second minute.
 * `update` is atomic over all processes: the function may run more than once and must be pure.
 */
export interface QuotaLedger {
  update<Result>(mailbox: MailboxId, change: (ledger: string | null) => { ledger: string; result: Result }): Promise<Result>;
  /** Adds to the mailbox's lifetime counters, which `status` shows, and to those of the Pacific day `day`, which the project's daily budget counts. */
  addUsage(mailbox: MailboxId, usage: readonly MethodUsage[], day: string): Promise<void>;
}

export interface MethodUsage {
  readonly method: GmailMethod;
  readonly calls: number;
  readonly units: number;
  /** Calls that Gmail answered with a rate rejection. They cost nothing. */
  readonly rejected: number;
}
