import { pacificDay, pacificDayEnd } from '../model/pacific-day.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** The rest of the day's units is for live syncs, which nothing holds back. */
const BACKFILL_PART = 0.95;

/** So many slices may run at once without going beyond what is left: each takes one part of it. */
const PARTS = 16;
/** A slice is not cut smaller than this. */
const LEAST_PART = 1_000;

/** What a backfill may spend of the day's units now. */
export interface DayPart {
  /** 0: nothing is left. */
  readonly units: number;
  /** Epoch ms: midnight in Pacific time. */
  readonly until: number;
}

type DayDependencies = Pick<ActivityDependencies, 'prices' | 'clock'> & { readonly store: Pick<ActivityDependencies['store'], 'unitsOfDay'> };

/** What the day still leaves to all backfills together, and what a whole day would; infinite where there is no daily budget. */
export async function dayLeft({ store, prices, clock }: DayDependencies): Promise<{ readonly left: number; readonly perDay: number; readonly until: number }> {
  const now = clock.now();
  const until = pacificDayEnd(now);
  if (prices.projectUnitsPerDay === null) return { left: Number.POSITIVE_INFINITY, perDay: Number.POSITIVE_INFINITY, until };
  const perDay = prices.projectUnitsPerDay * BACKFILL_PART;
  return { left: perDay - (await store.unitsOfDay(pacificDay(now))), perDay, until };
}

/**
 * What the project's daily budget leaves to one slice: a part of what all mailboxes of the store have left over since midnight in Pacific time.
 *
 * Each mailbox counts in a row of its own, a second late at most, and the rows are summed when a slice begins, so no row is written by everybody.
 * How far backfills may go beyond, while at most {@link PARTS} slices run at once: each spends at most its part of a rest that all of them
 * together do not use up, or {@link LEAST_PART} units when that is more. So it is {@link LEAST_PART} units a slice, and for each crash what its session
 * spent in the second that it had not written down. More slices at once go beyond by at most their own budgets; the part for live syncs is there for that too.
 */
export async function dayPart(deps: DayDependencies): Promise<DayPart> {
  const { left, until } = await dayLeft(deps);
  if (left === Number.POSITIVE_INFINITY) return { units: left, until };
  return { units: left < 1 ? 0 : Math.max(LEAST_PART, Math.floor(left / PARTS)), until };
}
