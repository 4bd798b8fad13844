import { isUnconfirmed } from '../model/unconfirmed.ts';
import type { Doubt } from '../store/rows/mailbox-row.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { LabelTotals, Totals } from './listing-totals.ts';

/** Two listings count as two witnesses when they are at least this far apart (ms). */
export const APART = 5 * 60_000;

/** Listings after which a doubt ends undecided: a mailbox may never be quiet, or Gmail may give no counts for it. */
const MOST_UNDECIDED = 3;

/**
 * Whether Gmail's count calls for no further listing. A doubt ends when the numbers agree. If they cannot be compared,
 * the doubt ends after {@link MOST_UNDECIDED} listings.
 */
export function isCountDecided({ agree, uncounted, isUndecided }: Totals, before: Doubt | null): boolean {
  if (agree || uncounted > 0) return agree;
  if (before === null) return !isUndecided;
  return before.checks >= MOST_UNDECIDED || (concernsOnlyLabels(before) && !isUndecided);
}

/** Such a doubt does not need a count of all messages, which Gmail never gives for a scope with an age. */
const concernsOnlyLabels = ({ uncounted, absent, relabelled, underLabels }: Doubt): boolean =>
  underLabels !== undefined && uncounted + absent + relabelled === 0;

/**
 * Gmail may count some labels differently from how it lists them; that is not documented. A difference that lasts for
 * this many listings, which takes days, is ascribed to that.
 */
const MOST_UNDER_LABELS = 5;

/**
 * Whether the counts of the labels call for no further listing. Changes during a listing may hide a missing message
 * once, but not in two listings.
 */
export function areLabelsDecided({ missing, isUndecided }: LabelTotals, before: Doubt | null, now: number): boolean {
  if (missing > 0) return before !== null && before.checks >= MOST_UNDER_LABELS;
  return !isUndecided || (before?.underLabels !== undefined && before.checkedAt <= now - APART);
}

/**
 * The doubt after another listing that left one. A listing that follows within minutes (after a forced resync, or an
 * expired history) gets the same odd answers, so it does not count as another check, and does not lengthen the wait for
 * the next listing.
 */
export function nextDoubt(
  before: Doubt | null,
  found: Pick<Doubt, 'uncounted' | 'absent' | 'relabelled' | 'underLabels'>,
  now: number,
): Doubt {
  if (before === null) return { ...found, since: now, checkedAt: now, checks: 1 };
  return {
    ...found,
    since: before.since,
    checkedAt: now,
    checks: before.checks + (now - before.checkedAt >= APART ? 1 : 0),
  };
}

const MINUTE = 60_000;

const HOUR = 60 * MINUTE;

const DAY = 24 * HOUR;

const DELAYS = [APART + MINUTE, HOUR, DAY, DAY, 3 * DAY];

const WEEK = 7 * DAY;

/** Counts a listing that ended in doubt, for telemetry. Totals that are only undecided do not count. */
export function countDoubt({ telemetry }: Pick<ActivityDependencies<unknown>, 'telemetry'>, doubt: Doubt): void {
  if (!isUnconfirmed(doubt)) telemetry?.add('tidemark_listings_doubted_total', 1, {});
}

/** When a doubt has the mailbox relisted: some minutes later, an hour, daily, then weekly. */
export const recheckAt = ({ checks, checkedAt }: Doubt): number => checkedAt + (DELAYS[checks - 1] ?? WEEK);
