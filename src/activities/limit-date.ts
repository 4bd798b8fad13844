import { gmailError } from '../gmail/api/classify.ts';
import { broughtBy, getApart, messageRequests } from './batched-gets.ts';
import type { FinishListingRequest } from '../store/listing/listing-store.ts';
import { ListedDates, PATIENCE } from './listed-dates.ts';
import type { Work } from './listing-work.ts';

/** The fields of `FinishListingRequest` that say how far down a first listing lets messages in. */
type LimitDate = Required<Pick<FinishListingRequest, 'limitedTo'>> & Pick<FinishListingRequest, 'isFloorBelow'>;

/**
 * The date of the oldest message that a first listing lets into a scope with a limit. Known before the other messages
 * are fetched, this date shows what was never within the limit, even if every message within the limit has left by
 * then.
 *
 * It costs nothing: the last message within the limit is fetched as the backfill would fetch it, and stored. If that
 * brings no date, a MINIMAL get (20 units) of the next message below gives a lower bound. No listed message lies
 * between the two, but mail that is in the trash now may, so `settleFloor` puts the date in place of the bound once
 * the last message is read. If the next message has no date either, a still lower bound would let messages in, so the
 * end of the backfill decides.
 *
 * While Gmail gives no third message either, the backfill could not begin, and the last message may leave unread. Then
 * the listing waits.
 *
 * @param startedAt - when the listing began (epoch ms)
 * @returns null if the listing showed no message beyond the limit, in a scope of several labels (each listing
 * has an end of its own), and if Gmail gives the date of neither message
 * @throws GmailError when Gmail refuses a get for a reason that concerns the whole mailbox; in the first hour of the
 * listing, also when it gives none of three messages
 */
export async function limitDate(work: Work, startedAt: number): Promise<LimitDate | null> {
  const { deps, listing } = work;
  const { mailbox, generation, settings } = listing;
  const { limit, labelIds } = settings.scope;
  if (limit === null || labelIds.length > 1) return null;
  const [beyond] = await deps.store.listedFrom({ mailbox, generation, position: limit, limit: 1 });
  if (beyond === undefined) return null;
  const date = await dateAt(work, limit);
  const waited = deps.clock.now() - startedAt;
  if (date !== null || waited < 0 || waited >= PATIENCE) return date;
  await requireAnswer(work, limit);
  // Gmail may have begun to answer in between.
  return await dateAt(work, limit);
}

async function dateAt(work: Work, limit: number): Promise<LimitDate | null> {
  const lastDate = await fetchedDate(work, limit - 1);
  if (lastDate !== null) return { limitedTo: lastDate };
  const below = (await new ListedDates(work).firstFrom(limit))?.internalDate ?? null;
  return below === null ? null : { limitedTo: below + 1, isFloorBelow: true };
}

/** Asks for a message that is neither the last within the limit nor the next one, whatever is known of it. */
async function requireAnswer({ deps, session, listing, run }: Work, limit: number): Promise<void> {
  const { mailbox, generation } = listing;
  const position = limit === 1 ? limit + 1 : 0;
  const [listed] = await deps.store.listedFrom({ mailbox, generation, position, limit: 1 });
  const other = (listed?.messages ?? []).slice(0, 1).map(({ id }) => id);
  for (const outcome of await getApart(session, messageRequests(other), 'minimal', run.signal)) {
    // Throws what concerns the whole mailbox as what it is.
    broughtBy(outcome);
    if (outcome.kind === 'failed' && outcome.error.failure.kind !== 'not-found')
      throw gmailError(mailbox, 'messages.get', { kind: 'unavailable', status: null, detail: 'gets give no date' });
  }
}

/** The date of the message at a position. The message is fetched and stored, unless it was read meanwhile. */
async function fetchedDate({ deps, session, listing, run }: Work, position: number): Promise<number | null> {
  const { mailbox, generation, settings } = listing;
  const [listed] = await deps.store.listedFrom({ mailbox, generation, position, limit: 1 });
  const [message] = listed?.position === position ? listed.messages : [];
  if (message === undefined || message.internalDate !== null) return message?.internalDate ?? null;
  const outcomes = await getApart(session, messageRequests([message.id]), settings.format, run.signal);
  const messages = outcomes.flatMap(broughtBy).filter(({ id }) => id === message.id);
  if (messages.length > 0)
    await deps.store.saveFetched({ mailbox, messages, format: settings.format, now: deps.clock.now() });
  return messages[0]?.internalDate ?? null;
}
