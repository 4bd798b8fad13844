import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { GmailMethod } from '../model/prices.ts';
import type { MethodUsage, QuotaLedger } from './quota-ledger.ts';

const FLUSH_INTERVAL = 1_000;

/** Counts calls by method, and writes the counts down in small sums: a crash loses a second of counting, never of quota. */
export class UsageCounter {
  readonly #options: { readonly mailbox: MailboxId; readonly ledger: QuotaLedger; readonly clock: Clock };
  #pending = new Map<GmailMethod, MethodUsage>();
  #flushedAt = Number.NEGATIVE_INFINITY;
  #units = 0;

  constructor(options: { readonly mailbox: MailboxId; readonly ledger: QuotaLedger; readonly clock: Clock }) {
    this.#options = options;
  }

  /** Units of all calls that were let in, since the beginning. */
  get units(): number {
    return this.#units;
  }

  count(usage: MethodUsage): void {
    this.#units += usage.units;
    add(this.#pending, usage);
  }

  /** Writes the counts down when the last time is a second ago. A store that fails now is tried again later: the call that was counted succeeded. */
  async flushWhenDue(): Promise<void> {
    if (this.#options.clock.now() - this.#flushedAt < FLUSH_INTERVAL) return;
    try {
      await this.flush();
    } catch {
      // Still counted; the flush at the session's end reports the failure.
    }
  }

  /** @throws what the ledger throws; the counts are kept then */
  async flush(): Promise<void> {
    const usage = [...this.#pending.values()];
    if (usage.length === 0) return;
    this.#pending = new Map();
    this.#flushedAt = this.#options.clock.now();
    try {
      await this.#options.ledger.addUsage(this.#options.mailbox, usage);
    } catch (error) {
      for (const entry of usage) add(this.#pending, entry);
      throw error;
    }
  }
}

function add(counts: Map<GmailMethod, MethodUsage>, usage: MethodUsage): void {
  const before = counts.get(usage.method);
  counts.set(usage.method, {
    method: usage.method,
    calls: (before?.calls ?? 0) + usage.calls,
    units: (before?.units ?? 0) + usage.units,
    rejected: (before?.rejected ?? 0) + usage.rejected,
  });
}
