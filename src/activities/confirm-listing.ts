import { MAX_BATCH, type GmailSession } from '../gmail/api/gmail-api.ts';
import type { GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import { compareHistoryIds, type HistoryId, type LabelId, type MessageId } from '../model/ids.ts';
import { inScope, type Scope } from '../model/settings.ts';
import type { Doubt } from '../store/rows/mailbox-row.ts';
import type { ListedCounts, ListingStore, FinishListingRequest, Suspects } from '../store/listing/listing-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { Listing } from './listing-request.ts';
import { labelsToList } from './list-ids.ts';
import { compareLabels, compareTotals, missingOf, type LabelTotals, type Totals } from './listing-totals.ts';

/** A listing of which every page has been read. */
export interface EndedListing {
  readonly deps: ActivityDependencies<MailboxRegistry & ListingStore & FetchingStore>;
  readonly session: GmailSession;
  readonly listing: Listing;
  readonly run: ActivityRun;
  readonly reconciling: boolean;
  readonly startHistoryId: HistoryId;
  readonly labels: 'compared' | 'unread';
  /** The labels that Gmail names, and those that messages carry. */
  readonly labelIds: readonly LabelId[];
  /** The mailbox's head some time before the listing began. */
  readonly since: HistoryId;
  /** How many messages have moved into or out of the listing since then, if all records of that time were read. */
  readonly moved?: number | undefined;
  /** Whether the listing may be repeated if Gmail counts more than it listed. */
  readonly mayRepeat: boolean;
}

/**
 * `repeat`: Gmail counts more messages than it listed. `ended`: what the end of the listing may treat as a fact, and
 * the messages whose gets were inconclusive.
 */
export type Verdict =
  | { readonly kind: 'repeat' }
  | ({ readonly kind: 'ended'; readonly doubt: Doubt | null; readonly unanswered: readonly MessageId[] } & Required<
      Pick<FinishListingRequest, 'absence' | 'doubtedLabels'>
    >);

/** Up to this many suspects are each checked by a get, whatever the mailbox's size: 500 units. */
const FEW = 25;
/** If there are more, a sample of this many is checked. One that exists after all shows that the listing is wrong. */
const SAMPLE = 10;
/** From this many absent messages on, Gmail's count does not suffice: only a second whole listing or a get of each. */
const MANY = 1_000;
/** Two listings count as two witnesses when they are at least this far apart (ms). */
const APART = 5 * 60_000;
const PAGE = 500;

/**
 * Decides what a listing's end may destroy: messages that it did not show, and labels whose listings did not show them.
 * A single answer of Gmail may be wrong: a page may be empty or lack its token, and a message may be missing from every
 * listing for days. So each loss needs a second witness, the cheapest available:
 * - a MINIMAL get of each suspect, if they are few, or if that costs no more than another listing;
 * - Gmail's count, if it is exactly the number listed, and a sample of gets;
 * - a second whole listing some minutes later, and a sample of gets.
 *
 * A loss without a second witness is not applied. The mailbox shows the doubt, and the listing is repeated later.
 */
export async function confirmListing(ended: EndedListing): Promise<Verdict> {
  const { deps, listing, reconciling, mayRepeat } = ended;
  const { mailbox, generation } = listing;
  const counts = await deps.store.countListed({ mailbox, generation });
  const isWhole = reconciling || listing.settings.scope.limit === null;
  const totals = isWhole
    ? await compareTotals({
        session: ended.session,
        scope: listing.settings.scope,
        counts,
        since: ended.since,
        moved: ended.moved,
        signal: ended.run.signal,
      })
    : NOT_COMPARED;
  if (totals.uncounted > 0 && mayRepeat) return { kind: 'repeat' };
  const before = (await deps.store.getMailbox(mailbox))?.doubt ?? null;
  if (!reconciling)
    return verdict(ended, before, { totals, underLabels: LABELS_AGREE, suspects: NO_SUSPECTS, losses: PROVEN });

  const underLabels = await compareLabelListings(ended, counts);
  const listedBefore = before !== null && before.checkedAt <= deps.clock.now() - APART ? before.checkedAt : null;
  const suspects = await deps.store.findSuspects({ mailbox, generation, labels: ended.labels, listedBefore });
  return verdict(ended, before, {
    totals,
    underLabels,
    suspects,
    losses: await confirmLosses({ ...ended, totals, suspects, counts, listedBefore }),
  });
}

const NO_SUSPECTS: Suspects = { absent: 0, absentBefore: 0, relabelled: 0, losing: new Map(), messageIds: [] };

const NOT_COMPARED: Totals = { agree: false, uncounted: 0, isUndecided: false };

const LABELS_AGREE: LabelTotals = { missing: 0, isUndecided: false };

/** Compares the labels' listings. The total of the scope covers its own labels, unless the scope has an age. */
async function compareLabelListings(
  { session, listing, run, labels, labelIds, startHistoryId }: EndedListing,
  counts: Question['counts'],
): Promise<LabelTotals> {
  const { scope } = listing.settings;
  if (labels === 'unread') return LABELS_AGREE;
  return await compareLabels(
    { session, scope, counts, since: startHistoryId, signal: run.signal },
    scope.after === null ? labelsToList(scope, labelIds) : [...scope.labelIds, ...labelsToList(scope, labelIds)],
  );
}

interface Question extends EndedListing {
  readonly totals: Totals;
  readonly suspects: Suspects;
  readonly counts: ListedCounts;
  readonly listedBefore: number | null;
}

interface Losses {
  /** True when every loss has its second witness, apart from the `unanswered` messages. */
  readonly areProven: boolean;
  /** Messages whose gets were inconclusive. They stay as they are. */
  readonly unanswered: readonly MessageId[];
}

const PROVEN: Losses = { areProven: true, unanswered: [] };

async function confirmLosses(question: Question): Promise<Losses> {
  const { suspects, deps, counts } = question;
  const { messageIds } = suspects;
  const all = messageIds.length;
  if (all === 0) return PROVEN;
  const { units } = deps.prices;
  const isWorthGets =
    all < MOST_GETS && all * units['messages.get'] <= Math.ceil(counts.messages / PAGE) * units['messages.list'];
  if (all <= FEW) return { areProven: true, unanswered: (await confirmByGets(question, messageIds)).unanswered };
  const sample = await confirmByGets(question, spread(messageIds, SAMPLE));
  if (sample.refuted === 0 && (await isBorneOut(question))) return { areProven: true, unanswered: sample.unanswered };
  if (isWorthGets) return { areProven: true, unanswered: (await confirmByGets(question, messageIds)).unanswered };
  return { areProven: false, unanswered: sample.unanswered };
}

/** The store names at most this many suspects. */
const MOST_GETS = 10_000;

/** Whether another witness agrees with this listing: Gmail's count, or a listing some minutes ago. */
async function isBorneOut({
  session,
  listing,
  run,
  totals,
  suspects,
  counts,
  listedBefore,
}: Question): Promise<boolean> {
  const wasListedTwice = listedBefore !== null && totals.uncounted === 0;
  if (suspects.absent > 0) {
    const isCounted = totals.agree && suspects.absent < MANY;
    if (!isCounted && !(wasListedTwice && suspects.absentBefore === suspects.absent)) return false;
  }
  if (wasListedTwice) return true;
  for (const label of suspects.losing.keys()) {
    const missing = await missingOf({ session, scope: listing.settings.scope, counts, label, signal: run.signal });
    if (missing !== 0) return false;
  }
  return true;
}

/** A sample, spread evenly over the list. */
function spread(ids: readonly MessageId[], count: number): readonly MessageId[] {
  const step = ids.length / count;
  return Array.from({ length: count }, (_, index) => ids[Math.floor(index * step)]).filter((id) => id !== undefined);
}

/**
 * Gets each message in format MINIMAL. A message that exists counts as listed, with its labels. A clear "not found"
 * confirms the listing. A message whose get Gmail refuses stays as it is. After a crash the gets are repeated, which
 * changes nothing.
 *
 * @returns `refuted`: how many messages exist, or have a label, although the listings did not show that; `unanswered`:
 * messages whose gets were inconclusive
 */
async function confirmByGets(
  { deps, session, listing, run, startHistoryId, labels }: EndedListing,
  ids: readonly MessageId[],
): Promise<{ refuted: number; unanswered: readonly MessageId[] }> {
  const { mailbox, generation } = listing;
  let refuted = 0;
  const untold: MessageId[] = [];
  for (let from = 0; from < ids.length; from += MAX_BATCH) {
    const batch = ids.slice(from, from + MAX_BATCH);
    run.progress({ step: 'confirming', confirmed: from });
    const outcomes = await session.batchGet(
      batch.map((id) => ({ kind: 'message', id })),
      'minimal',
      run.signal,
    );
    const fetched: FetchedMessage[] = [];
    const unanswered: MessageId[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const id = batch[index];
      if (outcome.kind === 'fetched') fetched.push(...outcome.messages);
      else if (isOfMailbox(outcome.error.failure)) throw outcome.error;
      else if (outcome.error.failure.kind !== 'not-found' && id !== undefined) unanswered.push(id);
    }
    await deps.store.saveFetched({ mailbox, messages: fetched, format: 'minimal', now: deps.clock.now() });
    const { listed } = await deps.store.correctListing({ mailbox, generation, fetched, unanswered });
    // History reports what changed after the mark.
    const unchanged = fetched.filter((message) => compareHistoryIds(message.historyId, startHistoryId) <= 0);
    untold.push(...unanswered);
    refuted += unchanged.filter(
      (message) => !agrees(message, listed.get(message.id), { scope: listing.settings.scope, labels }),
    ).length;
  }
  return { refuted, unanswered: untold };
}

/**
 * Failures that are about the mailbox, not about the message: the attempt fails, and the next one asks again. A failure
 * of one message does not keep the listing from ending.
 */
const OF_MAILBOX = new Set<GmailFailure['kind']>([
  'rate-limited',
  'consent-revoked',
  'scope-missing',
  'scope-barred',
  'history-expired',
]);
const isOfMailbox = ({ kind }: GmailFailure): boolean => OF_MAILBOX.has(kind);

/**
 * Whether the listings showed what a get shows: the message, if it is in scope, and all its labels, if labels were
 * compared.
 */
function agrees(
  message: FetchedMessage,
  listed: readonly LabelId[] | undefined,
  { scope, labels }: { readonly scope: Scope; readonly labels: EndedListing['labels'] },
): boolean {
  if (listed === undefined) return !inScope(scope, message);
  return labels === 'unread' || message.labelIds.every((label) => listed.includes(label));
}

function verdict(
  { deps, reconciling }: EndedListing,
  before: Doubt | null,
  found: { totals: Totals; underLabels: LabelTotals; suspects: Suspects; losses: Losses },
): Verdict {
  const { totals, underLabels, suspects, losses } = found;
  const { areProven, unanswered } = losses;
  const absence = areProven ? 'proven' : 'doubted';
  const doubtedLabels = areProven ? [] : [...suspects.losing.keys()];
  // After a first full sync, everything is listed once more in any case.
  const mayEnd = before === null && !reconciling ? totals.uncounted === 0 : isCountDecided(totals, before);
  const labelsMayEnd = areLabelsDecided(underLabels, before, deps.clock.now());
  if (areProven && unanswered.length === 0 && mayEnd && labelsMayEnd)
    return { kind: 'ended', absence, doubtedLabels, unanswered, doubt: null };
  const open = areProven
    ? { absent: unanswered.length, relabelled: 0 }
    : { absent: suspects.absent, relabelled: suspects.relabelled };
  return {
    kind: 'ended',
    absence,
    doubtedLabels,
    unanswered,
    doubt: nextDoubt(
      before,
      { uncounted: totals.uncounted, ...open, ...(labelsMayEnd ? {} : { underLabels: underLabels.missing }) },
      deps.clock.now(),
    ),
  };
}

/** A mailbox that is never quiet, or for which Gmail gives no counts, is not listed more often than this. */
const MOST_UNDECIDED = 3;

/**
 * Whether Gmail's count calls for no further listing. A doubt ends when the numbers agree. If they cannot be compared,
 * it ends after {@link MOST_UNDECIDED} listings.
 */
export function isCountDecided({ agree, uncounted, isUndecided }: Totals, before: Doubt | null): boolean {
  if (agree || uncounted > 0) return agree;
  if (before === null) return !isUndecided;
  return before.checks >= MOST_UNDECIDED || (concernsOnlyLabels(before) && !isUndecided);
}

/** Such a doubt does not need the count of all messages, which a scope with an age never has. */
const concernsOnlyLabels = ({ uncounted, absent, relabelled, underLabels }: Doubt): boolean =>
  underLabels !== undefined && uncounted + absent + relabelled === 0;

/**
 * Gmail may count some labels differently from how it lists them; that is not documented. A difference that lasts this
 * many listings, which takes days, is taken for one.
 */
const MOST_UNDER_LABELS = 5;

/** The same for labels. Changes during a listing may hide a missing message once, but not in two listings. */
function areLabelsDecided({ missing, isUndecided }: LabelTotals, before: Doubt | null, now: number): boolean {
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
export function countDoubt(
  { telemetry }: Pick<ActivityDependencies<unknown>, 'telemetry'>,
  { uncounted, absent, relabelled, underLabels = 0 }: Doubt,
): void {
  if (uncounted + absent + relabelled + underLabels > 0) telemetry?.add('tidemark_listings_doubted_total', 1, {});
}

/** When a doubted listing is repeated: some minutes later, an hour, daily, then weekly. */
export const recheckAt = ({ checks, checkedAt }: Doubt): number => checkedAt + (DELAYS[checks - 1] ?? WEEK);
