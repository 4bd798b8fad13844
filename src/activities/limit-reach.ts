import { listsSeveralLabels } from '../model/settings.ts';
import type { FinishListingRequest } from '../store/listing/listing-store.ts';
import { lastArrival } from './last-arrival.ts';
import { limitDate } from './limit-date.ts';
import type { Work } from './listing-work.ts';

/** The fields of `FinishListingRequest` that say how far down a listing the limit of the scope reaches. */
type LimitReach = Pick<FinishListingRequest, 'arrivedTo' | 'undatedTo' | 'limitedTo' | 'isFloorBelow'>;

/**
 * How far down a listing the scope's limit lets messages in. The first listing of a scope lets in the newest, and tells
 * the limit's date. From then on that date decides. The listings of several labels have an end each, so there the
 * places are counted each time.
 *
 * @param startedAt - when the listing began (epoch ms)
 * @returns `isOutdated` if the last message within the limit has left since it was listed, and its date is not known
 * @throws GmailError when Gmail refuses a get for a reason that concerns the whole mailbox; in the first hour of the
 * listing, also when it refuses the gets that would tell the date
 */
export async function limitReach(work: Work, startedAt: number): Promise<LimitReach & { readonly isOutdated?: true }> {
  const { deps, listing } = work;
  const { mailbox, generation, settings } = listing;
  const { limit } = settings.scope;
  if (limit === null) return {};
  const edge = await deps.store.limitEdge({ mailbox, generation });
  const arrivals = await lastArrival(work, { limit, edge, startedAt });
  if (edge.floor !== null || listsSeveralLabels(settings.scope)) return arrivals ?? {};
  const last = Math.max(limit - 1, edge.position, arrivals?.arrivedTo ?? -1);
  const { date, ...outdated } = await limitDate(work, last, startedAt);
  // The dates of messages that may have arrived are yet to decide: the limit's date must let them in.
  if (date === undefined || arrivals?.limitedTo === undefined) return { ...arrivals, ...date, ...outdated };
  return { ...arrivals, ...date, limitedTo: Math.min(date.limitedTo, arrivals.limitedTo), ...outdated };
}
