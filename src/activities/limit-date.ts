import { gmailError } from '../gmail/api/classify.ts';
import type { FinishListingRequest, ListedAt } from '../store/listing/listing-store.ts';
import { getApart, messageRequests } from './batched-gets.ts';
import { answerOf, datesByGets, datingBy, NO_MESSAGE, type Dating } from './dates-by-gets.ts';
import { ListedDates, PATIENCE } from './listed-dates.ts';
import type { Work } from './listing-work.ts';

/** The fields of `FinishListingRequest` that say down to which date a listing lets messages in. */
type LimitDate = Required<Pick<FinishListingRequest, 'limitedTo'>> & Pick<FinishListingRequest, 'isFloorBelow'>;

interface FoundDate {
  readonly date?: LimitDate;
  /** The last message within the limit has left since it was listed, and so the listing is out of date. */
  readonly isOutdated?: true;
}

/** After this many messages in a row without a date, no other is asked for a lower bound. */
const MOST_BELOW = 3;

/**
 * The date of the oldest message that a listing lets into a scope with a limit. From then on this date decides what is
 * within the limit, even if every message within it has left by then: places are never counted again.
 *
 * It costs nothing: the last message within the limit is fetched as the backfill would fetch it, and stored. If that
 * brings no date, MINIMAL gets (20 units) of the next messages below give a lower bound. No listed message lies between
 * the two, but mail that is in the trash now may, so `settleFloor` puts the date in place of the bound once the last
 * message is read.
 *
 * While Gmail gives none of these dates, the listing waits: once the last message has left, nothing tells its date.
 * Then the listing no longer shows which messages are the newest, and should be made again. Where it cannot be, a lower
 * bound that is never settled holds more than the limit, and not less.
 *
 * @param last - the last position within the limit
 * @param startedAt - when the listing began (epoch ms)
 * @returns nothing if the listing showed fewer messages, and if Gmail gives no date
 * @throws GmailError when Gmail refuses a get for a reason that concerns the whole mailbox; in the first hour of the
 * listing, also when it answers no get
 */
export async function limitDate(work: Work, last: number, startedAt: number): Promise<FoundDate> {
  const { deps, listing } = work;
  const { mailbox, generation } = listing;
  const [listed] = await deps.store.listedFrom({ mailbox, generation, position: last, limit: 1 });
  if (listed === undefined) return {};
  const dating = listed.position === last ? await lastDating(work, listed) : NO_MESSAGE;
  if (dating.kind === 'dated') return { date: { limitedTo: dating.internalDate } };
  const below = await dateBelow(work, new ListedDates(work), last + 1);
  const hasLeft = listed.position === last && dating.kind === 'seems-gone' && below.isListed;
  const outdated = hasLeft ? ({ isOutdated: true } as const) : {};
  // Only a place that the limit gives is found again by `settleFloor`.
  const isSettledLater = last === (listing.settings.scope.limit ?? 0) - 1;
  if (below.date !== null)
    return { ...outdated, date: { limitedTo: below.date + 1, ...(isSettledLater ? { isFloorBelow: true } : {}) } };
  if (hasLeft && below.refused === 0) return outdated;
  const isRefused = dating.kind === 'refused';
  const waited = deps.clock.now() - startedAt;
  if (waited >= 0 && waited < PATIENCE && (await isOutage(work, last, below.refused + (isRefused ? 1 : 0))))
    throw gmailError(mailbox, 'messages.get', { kind: 'unavailable', status: null, detail: 'gets give no date' });
  return outdated;
}

/** Whether Gmail answers no get. Messages that always break hold up nothing, so one more message is asked for. */
async function isOutage({ deps, session, listing, run }: Work, last: number, refused: number): Promise<boolean> {
  if (refused === 0) return false;
  const { mailbox, generation } = listing;
  const [listed] = last === 0 ? [] : await deps.store.listedFrom({ mailbox, generation, position: 0, limit: 1 });
  const [other] = listed?.messages ?? [];
  if (other === undefined) return refused > 1;
  const [outcome] = await getApart(session, messageRequests([other.id]), 'minimal', run.signal);
  return answerOf(other.id, outcome).kind === 'refused';
}

/** What the messages from a position on told of their dates. */
interface DateBelow {
  /** The first date that one of them has. */
  readonly date: number | null;
  /** Of how many Gmail refused to tell it. */
  readonly refused: number;
  /** Whether some were listed. */
  readonly isListed: boolean;
}

async function dateBelow({ deps, listing }: Work, dates: ListedDates, position: number): Promise<DateBelow> {
  const { mailbox, generation } = listing;
  const isListed = (await deps.store.listedFrom({ mailbox, generation, position, limit: 1 })).length > 0;
  let from = position;
  let refused = 0;
  for (let undated = 0; undated < MOST_BELOW; undated += 1) {
    const found = await dates.firstFrom(from);
    if (found === null) break;
    if (found.internalDate !== null) return { date: found.internalDate, refused, isListed };
    if (found.isRefused) refused += 1;
    from = found.position + 1;
  }
  return { date: null, refused, isListed };
}

/** What Gmail says of the last message within the limit. It is fetched and stored, unless it was read meanwhile. */
async function lastDating({ deps, session, listing, run }: Work, { messages: [message] }: ListedAt): Promise<Dating> {
  const { mailbox, settings } = listing;
  if (message === undefined) return NO_MESSAGE;
  if (message.internalDate !== null) return datingBy(message.internalDate);
  const [outcome] = await getApart(session, messageRequests([message.id]), settings.format, run.signal);
  const dating = answerOf(message.id, outcome);
  const messages = outcome?.kind === 'fetched' ? outcome.messages.filter(({ id }) => id === message.id) : [];
  if (messages.length > 0)
    await deps.store.saveFetched({ mailbox, messages, format: settings.format, now: deps.clock.now() });
  // A single 404 may come from a lagging replica, and the listing would be made again for nothing.
  if (dating.kind !== 'seems-gone') return dating;
  return (await datesByGets({ deps, session, run }, [message.id])).get(message.id) ?? dating;
}
