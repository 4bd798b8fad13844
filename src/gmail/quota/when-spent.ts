import { LEAST_RESERVE } from './ledger.ts';
import type { Ledger } from './ledger-document.ts';
import { currentRate, isSmooth } from './ledger-rate.ts';
import { LONGEST_SPAN, liveUnits, marginOf, unitsWithin } from './ledger-window.ts';

/** Ms for which a spent unit occupies the ledger's window: see {@link marginOf}. */
const PERIOD = LONGEST_SPAN + marginOf(LONGEST_SPAN);

export interface Backfill {
  /** Units left to spend. */
  readonly units: number;
  /** Units a minute that Gmail grants the user, times Tidemark's share. */
  readonly granted: number;
  /** Epoch ms before which nothing may be spent. */
  readonly notBefore: number;
}

/**
 * Units a minute that a long backfill gets: the allowance less what Gmail turned out to withhold, the live lane's
 * reserve, and the live lane's spending.
 */
export function backfillRate(ledger: Ledger, granted: number, now: number): number {
  const allowed = granted * currentRate(ledger, now);
  const reserve = isSmooth(ledger, now) ? 0 : LEAST_RESERVE * allowed;
  return Math.max(0, allowed - reserve - liveUnits(ledger.window, now));
}

/**
 * When the ledger will have granted a backfill's remaining units.
 *
 * A smooth pace spends them evenly. Otherwise a minute's allowance is spent at once, and each unit is available again
 * when it leaves the window. So the last minute's spending repeats minute by minute. What remains after whole minutes
 * decides at which moment of a minute the backfill ends.
 *
 * @returns epoch ms; null when nothing is granted at all
 */
export function whenSpent(ledger: Ledger, { units, granted, notBefore }: Backfill, now: number): number | null {
  const start = Math.max(now, ledger.pausedUntil, notBefore);
  if (units <= 0) return start;
  const rate = backfillRate(ledger, granted, now);
  if (rate <= 0) return null;
  if (isSmooth(ledger, now)) return start + (units / rate) * LONGEST_SPAN;
  const spent = ledger.window.filter((stretch) => stretch.to + PERIOD > start);
  const room = Math.max(0, rate - (unitsWithin(ledger.window, LONGEST_SPAN, start) - liveUnits(ledger.window, start)));
  if (units <= room) return start;
  const returns = [
    ...spent.map(({ to, units: all, live }) => ({ at: to + PERIOD, units: all - live })),
    { at: start + PERIOD, units: room },
  ].toSorted((a, b) => a.at - b.at);
  const perMinute = returns.reduce((sum, { units: returned }) => sum + returned, 0);
  if (perMinute <= 0) return start + (units / rate) * LONGEST_SPAN;
  const minutes = Math.ceil((units - room) / perMinute) - 1;
  let left = units - room - minutes * perMinute;
  const last = returns.find(({ units: returned }) => (left -= returned) <= 0) ?? returns.at(-1);
  return (last?.at ?? start) + minutes * PERIOD;
}
