import { pacificDay, pacificDayEnd } from '../model/pacific-day.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** The part of the day's units for backfills. The rest is for live syncs, which are never held back. */
const BACKFILL_PART = 0.95;

/** Slices that may run at once without exceeding what is left of the day: each takes one of this many parts. */
const PARTS = 16;
/** The smallest slice, in units. */
const LEAST_PART = 1_000;

/** The part of the day's units that a backfill may spend now. */
export interface DayPart {
  /** 0: nothing is left. */
  readonly units: number;
  /** Epoch ms: midnight in Pacific time. */
  readonly until: number;
}

type DayDependencies = Pick<ActivityDependencies<SpentUnits>, 'store' | 'prices' | 'clock'>;

/**
 * Units that all backfills together may still spend today, and in a whole day. Both are infinite when there is no daily
 * budget.
 */
export async function dayLeft({
  store,
  prices,
  clock,
}: DayDependencies): Promise<{ readonly left: number; readonly perDay: number; readonly until: number }> {
  const now = clock.now();
  const until = pacificDayEnd(now);
  if (prices.projectUnitsPerDay === null)
    return { left: Number.POSITIVE_INFINITY, perDay: Number.POSITIVE_INFINITY, until };
  const perDay = prices.projectUnitsPerDay * BACKFILL_PART;
  return { left: perDay - (await store.unitsOfDay(pacificDay(now))), perDay, until };
}

/**
 * The part of the project's daily budget for one slice: a fraction of what all mailboxes of the store have left since
 * midnight in Pacific time.
 *
 * Each mailbox counts its units in a row of its own, at most a second late, and a slice sums the rows when it begins,
 * so no row is contended.
 *
 * The budget can be exceeded a little. With at most {@link PARTS} slices at once, the fractions together never exceed
 * what is left, so the excess is at most {@link LEAST_PART} units a slice, plus the last second of each crashed
 * session. More slices at once exceed the budget by at most their own units. The part for live syncs absorbs that.
 */
export async function dayPart(deps: DayDependencies): Promise<DayPart> {
  const { left, until } = await dayLeft(deps);
  if (left === Number.POSITIVE_INFINITY) return { units: left, until };
  return { units: left < 1 ? 0 : Math.max(LEAST_PART, Math.floor(left / PARTS)), until };
}
