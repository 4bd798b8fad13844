import type { Clock } from '../model/clock.ts';
import type { Telemetry } from '../model/telemetry.ts';

export interface ObservationOptions {
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Milliseconds between two counts. */
  readonly interval: number;
  /** Running mailboxes by phase. */
  readonly countPhases: () => Promise<ReadonlyMap<string, number>>;
  readonly countWork: () => Promise<{ readonly pending: number; readonly failed: number; readonly doubted: number }>;
  /** Called when a count failed; the next one may succeed. */
  readonly onFailure: (source: string, error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Counting takes at most this fraction (1/50) of a worker's time, however much there is to count. */
const SHARE_OF_TIME = 50;

/**
 * Counts mailboxes and messages repeatedly, until the signal aborts. Every worker counts everything, so the counts go
 * on when one worker dies. The workers' counts differ only in age: a query must take the largest (`max`), never the
 * sum.
 */
export async function observeMailboxes(options: ObservationOptions): Promise<void> {
  const { telemetry, countPhases, countWork } = options;
  const phases = repeat(options, 'temporal', async () => {
    for (const [phase, mailboxes] of await countPhases()) telemetry.set('tidemark_mailboxes', mailboxes, { phase });
  });
  const work = repeat(options, 'store', async () => {
    const { pending, failed, doubted } = await countWork();
    telemetry.set('tidemark_pending_messages', pending, {});
    telemetry.set('tidemark_failed_messages', failed, {});
    telemetry.set('tidemark_doubted_mailboxes', doubted, {});
  });
  await Promise.all([phases, work]);
}

async function repeat(
  { telemetry, clock, interval, onFailure, signal }: ObservationOptions,
  source: 'temporal' | 'store',
  count: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const startedAt = clock.now();
    try {
      await count();
      telemetry.set('tidemark_observed_timestamp_seconds', clock.now() / 1_000, { source });
    } catch (error) {
      if (!signal.aborted) onFailure(source, error);
    }
    const pause = Math.max(interval, (clock.now() - startedAt) * SHARE_OF_TIME);
    await clock.sleep(pause, signal).catch(() => undefined);
  }
}
