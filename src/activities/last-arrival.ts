import type { FetchOutcome } from '../gmail/api/gmail-api.ts';
import type { MessageId } from '../model/ids.ts';
import type { ListedAt } from '../store/listing/listing-store.ts';
import { isOfMailbox, messageRequests } from './batched-gets.ts';
import { knownMailbox } from './known-mailbox.ts';
import type { Work } from './listing-work.ts';
import { SETTLING_TIME } from './settling.ts';

/** After this many positions whose messages no get dates, the search ends. */
const MOST_UNDATED = 10;

/**
 * Where a scope with a limit is listed again after history expired, everything down to the last message that was known
 * before is within the limit. If the known ones are gone, only dates tell what arrived since history was last read:
 * without them, all but the newest few of that mail would be left out for good.
 *
 * A listing is in the order of dates, so the oldest arrival is found by few gets: none where the last known message is
 * older than that read, and about twice the logarithm of the number of arrivals otherwise.
 *
 * Where the scope held fewer messages than its limit, none was left out, so all that is listed now was known or has
 * arrived.
 *
 * @returns the position of the oldest arrival, or of the last known message if that is lower; null where nothing is to
 * be found
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
  const since = Math.max(read.at - SETTLING_TIME, floor ?? Number.NEGATIVE_INFINITY);
  if (internalDate !== null && internalDate < since) return null;
  return await lowestSince(work, since, Math.max(position, settings.scope.limit - 1));
}

/** The lowest position at which a message is at least as new as `since`: doubled steps down, then halved ones. */
async function lowestSince(work: Work, since: number, from: number): Promise<number> {
  const dating = new Dating(work);
  let last = from;
  let end = Number.POSITIVE_INFINITY;
  for (let step = 1; last + 1 < end; step *= 2) {
    const probe = end === Number.POSITIVE_INFINITY ? last + step : Math.floor((last + end) / 2);
    const found = await dating.newestFrom(probe, end);
    if (found !== null && found.internalDate >= since) last = found.position;
    else end = probe;
  }
  return last;
}

interface Dated {
  readonly position: number;
  readonly internalDate: number;
}

class Dating {
  readonly #work: Work;
  #undated = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  /** The newest of the messages at the first position from `position` on, before `end`, that has one with a date. */
  async newestFrom(position: number, end: number): Promise<Dated | null> {
    const { deps, listing } = this.#work;
    const { mailbox, generation } = listing;
    for (let from = position; this.#undated < MOST_UNDATED;) {
      const listed = await deps.store.listedFrom({ mailbox, generation, position: from });
      if (listed === null || listed.position >= end) return null;
      const dates = await this.#datesOf(listed.messages);
      if (dates.length > 0) return { position: listed.position, internalDate: Math.max(...dates) };
      this.#undated += 1;
      from = listed.position + 1;
    }
    return null;
  }

  async #datesOf(messages: ListedAt['messages']): Promise<readonly number[]> {
    const known = messages.flatMap(({ internalDate }) => (internalDate === null ? [] : [internalDate]));
    const unknown = messages.filter(({ internalDate }) => internalDate === null).map(({ id }) => id);
    if (unknown.length === 0) return known;
    const { session, run } = this.#work;
    const outcomes = await session.batchGet(messageRequests(unknown), 'minimal', run.signal);
    return [...known, ...outcomes.flatMap((outcome) => datesIn(outcome, unknown))];
  }
}

function datesIn(outcome: FetchOutcome, asked: readonly MessageId[]): readonly number[] {
  if (outcome.kind === 'failed') {
    if (isOfMailbox(outcome.error.failure)) throw outcome.error;
    return [];
  }
  return outcome.messages.flatMap(({ id, internalDate }) =>
    internalDate === null || !asked.includes(id) ? [] : [internalDate],
  );
}
