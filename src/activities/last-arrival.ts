import { knownMailbox } from './known-mailbox.ts';
import { ListedDates } from './listed-dates.ts';
import type { Work } from './listing-work.ts';
import { SETTLING_TIME } from './settling.ts';

/**
 * Where a scope with a limit is listed again after history expired, everything down to the last message that was known
 * before is within the limit. If the known ones are gone, only dates tell what else is: what is newer than the limit's
 * date was never left out. Where that date is unknown, or there are several labels, what arrived since history was last
 * read was not.
 *
 * A listing is in the order of dates, so the oldest such message is found by few gets: none where the last known one is
 * that old, and about twice the logarithm of the number of arrivals otherwise.
 *
 * Where the scope held fewer messages than its limit, none was left out, so all that is listed now was known or has
 * arrived.
 *
 * @returns the position of the oldest such message, or of the last known one if that is lower; null where nothing is
 * to be found
 * @throws GmailError when Gmail refuses a get for a reason that concerns the whole mailbox
 */
export async function lastArrival(work: Work): Promise<number | null> {
  const { deps, listing } = work;
  const { mailbox, generation, settings } = listing;
  if (settings.scope.limit === null) return null;
  const read = (await knownMailbox(deps, mailbox)).marks[0];
  if (read === undefined) return null;
  const { position, internalDate, floor, heldAll } = await deps.store.limitEdge({ mailbox, generation });
  if (heldAll) return Number.MAX_SAFE_INTEGER;
  const lastRead = read.at - SETTLING_TIME;
  // The date is that of the label whose limit reaches down furthest, and says nothing of the others.
  const since = settings.scope.labelIds.length > 1 ? Math.max(lastRead, floor ?? lastRead) : (floor ?? lastRead);
  if (internalDate !== null && (internalDate < since || internalDate === floor)) return null;
  return await lowestSince(work, since, Math.max(position, settings.scope.limit - 1));
}

/** The lowest position at which a message is at least as new as `since`: doubled steps down, then halved ones. */
async function lowestSince(work: Work, since: number, from: number): Promise<number> {
  const dates = new ListedDates(work);
  let last = from;
  let end = Number.POSITIVE_INFINITY;
  for (let step = 1; last + 1 < end; step *= 2) {
    const probe = end === Number.POSITIVE_INFINITY ? last + step : Math.floor((last + end) / 2);
    const found = await dates.newestFrom(probe, end);
    if (found !== null && found.internalDate >= since) last = found.position;
    else end = probe;
  }
  return last;
}
