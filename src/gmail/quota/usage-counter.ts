import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import { pacificDay } from '../../model/pacific-day.ts';
import type { GmailMethod, PriceTable } from '../../model/prices.ts';
import type { Telemetry } from '../../model/telemetry.ts';
import { successful, type MethodUsage, type QuotaLedger } from '../../model/quota-ledger.ts';

const FLUSH_INTERVAL = 1_000;

export interface UsageCounterOptions {
  readonly mailbox: MailboxId;
  readonly ledger: QuotaLedger;
  readonly prices: PriceTable;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Counts calls by method and saves the counts about once a second. A crash loses a second of counts, but no quota. */
export class UsageCounter {
  readonly #options: UsageCounterOptions;
  #pending = new Map<GmailMethod, MethodUsage<GmailMethod>>();
  #flushedAt: number;
  #units = 0;

  constructor(options: UsageCounterOptions) {
    this.#options = options;
    this.#flushedAt = options.clock.now();
  }

  /** Units of all accepted calls of this session. */
  get units(): number {
    return this.#units;
  }

  count(usage: MethodUsage<GmailMethod>): void {
    this.#units += usage.units;
    add(this.#pending, usage);
    this.#report(usage);
  }

  #report(usage: MethodUsage<GmailMethod>): void {
    const { method, units, rejected, failed } = usage;
    const { telemetry, prices } = this.#options;
    const succeeded = successful(usage);
    if (succeeded > 0) telemetry.add('tidemark_gmail_calls_total', succeeded, { method, outcome: 'successful' });
    if (failed > 0) telemetry.add('tidemark_gmail_calls_total', failed, { method, outcome: 'failed' });
    if (units > 0) telemetry.add('tidemark_quota_units_total', units, { method, outcome: 'used' });
    if (rejected > 0) {
      telemetry.add('tidemark_gmail_calls_total', rejected, { method, outcome: 'rejected' });
      telemetry.add('tidemark_quota_units_total', rejected * prices.units[method], { method, outcome: 'rejected' });
    }
  }

  /** Saves the counts if they were last saved at least a second ago. */
  async flushWhenDue(): Promise<void> {
    if (this.#options.clock.now() - this.#flushedAt >= FLUSH_INTERVAL) await this.tryFlush();
  }

  /** Saves the counts. A failing store is tried again later, since the counted calls succeeded. */
  async tryFlush(): Promise<void> {
    try {
      await this.flush();
    } catch {
      // The counts are kept; the flush at the session's end reports the failure.
    }
  }

  /** @throws what the ledger throws; the counts are kept */
  async flush(): Promise<void> {
    const usage = [...this.#pending.values()];
    if (usage.length === 0) return;
    this.#pending = new Map();
    this.#flushedAt = this.#options.clock.now();
    try {
      await this.#options.ledger.addUsage(this.#options.mailbox, usage, pacificDay(this.#flushedAt));
    } catch (error) {
      for (const entry of usage) add(this.#pending, entry);
      throw error;
    }
  }
}

function add(counts: Map<GmailMethod, MethodUsage<GmailMethod>>, usage: MethodUsage<GmailMethod>): void {
  const before = counts.get(usage.method);
  counts.set(usage.method, {
    method: usage.method,
    calls: (before?.calls ?? 0) + usage.calls,
    units: (before?.units ?? 0) + usage.units,
    rejected: (before?.rejected ?? 0) + usage.rejected,
    failed: (before?.failed ?? 0) + usage.failed,
  });
}
