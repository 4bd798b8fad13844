import { listsSeveralLabels } from '../model/settings.ts';
import type { LimitEdge } from '../store/listing/listing-store.ts';
import { knownMailbox } from './known-mailbox.ts';
import { MOST_KEPT } from './dates-by-gets.ts';
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

const ALL: Arrivals = { arrivedTo: Number.MAX_SAFE_INTEGER, undatedTo: Number.MAX_SAFE_INTEGER };

/**
 * Finds how far down messages are within a scope's limit, when the scope is listed again. Everything down to the last
 * message that the store knew before is within the limit. Only dates can decide about what lies below: messages newer
 * than the floor (the date of the oldest message within the limit) were never left out. If the floor is unknown and
 * history has expired, messages that arrived since history was last read were never left out.
 *
 * A listing is in the order of dates, so few gets find the oldest such message: none if the last known message is
 * older, or is the oldest within the limit, otherwise about twice the logarithm of the number of arrivals, and three
 * for each message that was deleted since it was listed and that the search meets.
 *
 * If the scope held fewer messages than its limit, none was left out: every message that is listed was known or has
 * arrived. None of them dates the limit, even if history has yet to report it: should history expire first, the date
 * would leave out what arrived with older dates.
 *
 * @param request.edge - how far down the store knew messages before
 * @param request.startedAt - when the listing began (epoch ms)
 * @returns null when dates have nothing to decide
 * @throws GmailError when Gmail refuses a get for a reason that concerns the whole mailbox
 */
export async function lastArrival(
  work: Work,
  { limit, edge, startedAt }: { readonly limit: number; readonly edge: LimitEdge; readonly startedAt: number },
): Promise<Arrivals | null> {
  const { deps, listing } = work;
  const { position, internalDate, floor, leftNothingOut } = edge;
  const hasSeveralLabels = listsSeveralLabels(listing.settings.scope);
  const isByDate = floor !== null && !hasSeveralLabels;
  if (leftNothingOut) return ALL;
  if (listing.pin === 'mark' && !isByDate) return null;
  const read = (await knownMailbox(deps, listing.mailbox)).marks[0];
  if (read === undefined && !isByDate) return null;
  const lastRead = read === undefined ? Number.NEGATIVE_INFINITY : read.at - SETTLING_TIME;
  // With several labels, the floor is that of the label whose limit reaches down furthest, and may be too old for the
  // other labels.
  const since = hasSeveralLabels ? Math.max(lastRead, floor ?? lastRead) : (floor ?? lastRead);
  // A known message of one label says nothing about what has arrived under another.
  const isEdge = internalDate !== null && (internalDate < since || internalDate === floor);
  if (isEdge && !hasSeveralLabels) return null;
  const search: ArrivalSearch = isByDate
    ? { from: position, guess: limit - 1 }
    : { from: Math.max(position, limit - 1) };
  const arrivals = await lowestSince(new ListedDates(work, startedAt), since, search);
  // Dates can only decide later against a floor. Everything since the last read has arrived, so that time serves.
  const needsFloor = floor === null && arrivals.undatedTo > arrivals.arrivedTo;
  return needsFloor ? { ...arrivals, limitedTo: since } : arrivals;
}

/** The position at which a search begins, and where it looks first. */
interface ArrivalSearch {
  readonly from: number;
  readonly guess?: number;
}

/** Finds the last position from `from` on that is at least as new as `since`. */
async function lowestSince(dates: ListedDates, since: number, search: ArrivalSearch): Promise<Arrivals> {
  for (let start = search; ;) {
    const arrivedTo = await lastDatedSince(dates, since, start);
    let undatedTo = arrivedTo;
    let next = await dates.firstFrom(arrivedTo + 1);
    for (let kept = 0; next?.internalDate === null && kept < MOST_KEPT; kept += 1) {
      undatedTo = next.position;
      next = await dates.firstFrom(undatedTo + 1);
    }
    // The search passed over messages without a date, and met an older one. Below them it goes on.
    if ((next?.internalDate ?? Number.NEGATIVE_INFINITY) < since) return { arrivedTo, undatedTo };
    start = { from: next?.position ?? arrivedTo };
  }
}

/** Looks at the guess, steps down double, then halves. */
async function lastDatedSince(
  dates: ListedDates,
  since: number,
  { from, guess = from }: ArrivalSearch,
): Promise<number> {
  let last = from;
  let end = Number.POSITIVE_INFINITY;
  if (guess > from) {
    const found = await dates.datedFrom(guess, end);
    if (found !== null && found.internalDate >= since) last = found.position;
    else end = guess;
  }
  for (let step = 1; last + 1 < end; step *= 2) {
    const probe = end === Number.POSITIVE_INFINITY ? last + step : Math.floor((last + end) / 2);
    const found = await dates.datedFrom(probe, end);
    if (found !== null && found.internalDate >= since) last = found.position;
    else end = probe;
  }
  return last;
}
