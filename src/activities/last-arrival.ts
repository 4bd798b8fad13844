import { knownMailbox } from './known-mailbox.ts';
import { ListedDates } from './listed-dates.ts';
import type { Work } from './listing-work.ts';
import { SETTLING_TIME } from './settling.ts';

/** How far down a listing messages have arrived, by their dates. */
export interface Arrivals {
  /** The last position of a message that has arrived. */
  readonly arrivedTo: number;
  /** The last position of the messages just below it whose dates Gmail does not give; `arrivedTo` if there are none. */
  readonly undatedTo: number;
  /** The date (epoch ms) that decides over those messages, where the scope's floor is not known. */
  readonly limitedTo?: number;
}

/** At most this many messages without a date are kept: each costs gets for some seconds. */
const MOST_KEPT = 100;

const ALL: Arrivals = { arrivedTo: Number.MAX_SAFE_INTEGER, undatedTo: Number.MAX_SAFE_INTEGER };

/**
 * Finds how far down messages are within a scope's limit, when the scope is listed again after its history has expired.
 * Everything down to the last message that the store knew before is within the limit. If known messages were deleted,
 * only dates can decide about what lies below: messages newer than the floor (the date of the oldest message within the
 * limit) were never left out. If the floor is unknown, messages that arrived since history was last read were never
 * left out.
 *
 * A listing is in the order of dates, so few gets find the oldest such message: none if the last known message is
 * older, otherwise about twice the logarithm of the number of arrivals, and three for each message that was deleted
 * since it was listed and that the search meets.
 *
 * If the scope held fewer messages than its limit, none was left out: every message that is listed now was known or has
 * arrived.
 *
 * @param startedAt - when the listing began (epoch ms)
 * @returns null when dates have nothing to decide
 * @throws GmailError when Gmail refuses a get for a reason that concerns the whole mailbox
 */
export async function lastArrival(work: Work, startedAt: number): Promise<Arrivals | null> {
  const { deps, listing } = work;
  const { mailbox, generation, settings } = listing;
  if (settings.scope.limit === null) return null;
  const read = (await knownMailbox(deps, mailbox)).marks[0];
  if (read === undefined) return null;
  const { position, internalDate, floor, leftNothingOut } = await deps.store.limitEdge({ mailbox, generation });
  if (leftNothingOut) return ALL;
  const lastRead = read.at - SETTLING_TIME;
  // With several labels, the floor is that of the label whose limit reaches down furthest, and may be too old for the
  // other labels.
  const known = floor ?? lastRead;
  const since = settings.scope.labelIds.length > 1 ? Math.max(lastRead, known) : known;
  // A known message of one label says nothing about what has arrived under another.
  const isEdge = internalDate !== null && (internalDate < since || internalDate === floor);
  if (isEdge && settings.scope.labelIds.length <= 1) return null;
  const dates = new ListedDates(work, startedAt);
  const arrivals = await lowestSince(dates, since, Math.max(position, settings.scope.limit - 1));
  // Dates can only decide later against a floor. Everything since the last read has arrived, so that time serves.
  const needsFloor = floor === null && arrivals.undatedTo > arrivals.arrivedTo;
  return needsFloor ? { ...arrivals, limitedTo: since } : arrivals;
}

/** Finds the last position from `from` on that is at least as new as `since`. */
async function lowestSince(dates: ListedDates, since: number, from: number): Promise<Arrivals> {
  for (let start = from; ;) {
    const arrivedTo = await lastDatedSince(dates, since, start);
    let undatedTo = arrivedTo;
    let next = await dates.firstFrom(arrivedTo + 1);
    for (let kept = 0; next?.internalDate === null && kept < MOST_KEPT; kept += 1) {
      undatedTo = next.position;
      next = await dates.firstFrom(undatedTo + 1);
    }
    // The search passed over messages without a date, and met an older one. Below them it goes on.
    if ((next?.internalDate ?? Number.NEGATIVE_INFINITY) < since) return { arrivedTo, undatedTo };
    start = next?.position ?? arrivedTo;
  }
}

/** Steps down double, then halves. */
async function lastDatedSince(dates: ListedDates, since: number, from: number): Promise<number> {
  let last = from;
  let end = Number.POSITIVE_INFINITY;
  for (let step = 1; last + 1 < end; step *= 2) {
    const probe = end === Number.POSITIVE_INFINITY ? last + step : Math.floor((last + end) / 2);
    const found = await dates.datedFrom(probe, end);
    if (found !== null && found.internalDate >= since) last = found.position;
    else end = probe;
  }
  return last;
}
