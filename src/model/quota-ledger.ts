import type { MailboxId } from './ids.ts';

/**
 * The durable record of spent units, so that a crash or a move to another worker does not grant a minute twice. The
 * store keeps it; the quota's pacing decides what is in it.
 */
export interface QuotaLedger {
  /**
   * Replaces the mailbox's ledger by the result of `change`, atomically across all processes.
   *
   * @param change - pure, since it may run more than once
   * @throws {StoreError} `lost` when the store does not know the mailbox
   */
  update<Result>(
    mailbox: MailboxId,
    change: (ledger: string | null) => { ledger: string; result: Result },
  ): Promise<Result>;
  /**
   * Adds to the mailbox's lifetime counters, which `status` shows, and to the counters of the Pacific day `day`
   * (`2026-11-22`) for the project's daily budget.
   */
  addUsage(mailbox: MailboxId, usage: readonly MethodUsage[], day: string): Promise<void>;
}

/** What the calls of one method came to. What is stored may name methods of another build. */
export interface MethodUsage<Method extends string = string> {
  readonly method: Method;
  readonly calls: number;
  readonly units: number;
  /** Calls that Gmail answered with a rate rejection. They cost nothing. */
  readonly rejected: number;
  /** Calls that failed in another way. They use units, but Google's tiers count only successful requests. */
  readonly failed: number;
}

/** Calls that Gmail answered with success: what the Scaled tier bills. */
export const successful = ({ calls, rejected, failed }: Omit<MethodUsage, 'method' | 'units'>): number =>
  calls - rejected - failed;
