import { MAX_BATCH, type GmailSession } from '../gmail/api/gmail-api.ts';
import type { GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import { compareHistoryIds, type HistoryId, type LabelId, type MessageId } from '../model/ids.ts';
import { inScope, type Scope } from '../model/settings.ts';
import type { Doubt } from '../store/rows/mailbox-row.ts';
import type { FinishListingRequest, Suspects } from '../store/listing/listing-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { Listing } from './listing-request.ts';
import { labelsToList } from './list-ids.ts';
import { compareLabels, compareTotals, missingOf, type LabelTotals, type Totals } from './listing-totals.ts';

/** A listing that has come to its end. */
export interface EndedListing {
  readonly deps: ActivityDependencies;
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
  /** How many messages moved into or out of it since, where that is known. */
  readonly moved?: number | undefined;
  /** Whether it may be repeated where Gmail counts more than it listed. */
  readonly mayRepeat: boolean;
}

/**
 * `repeat`: Gmail counts more messages than it listed. `ended`: what the end of the listing may take for a fact, and
 * the messages of which their gets told nothing.
 */
export type Verdict =
  | { readonly kind: 'repeat' }
  | ({ readonly kind: 'ended'; readonly doubt: Doubt | null; readonly unanswered: readonly MessageId[] } & Required<
      Pick<FinishListingRequest, 'absence' | 'doubtedLabels'>
    >);

/** So many suspects are asked for by a get each, whatever the mailbox's size: 500 units. */
const FEW = 25;
/** Of more, so many are asked for: one that is there after all shows that the listing is not to be believed. */
const SAMPLE = 10;
/** So many messages at once are buried only after a second whole listing. */
const MANY = 1_000;
/** Two listings that are this far apart are two witnesses (ms). */
const APART = 5 * 60_000;
const PAGE = 500;

/**
 * Decides what a listing's end may destroy: messages that it did not show, and labels whose listings did not show them.
 * One answer of Gmail's may be wrong (a page may be empty, or lack its token; a message may be missing from every
 * listing for days), so each loss needs a second witness, the cheapest that there is:
 * - a MINIMAL get of each, where they are few, or where that costs no more than one more listing;
 * - the number that Gmail counts, when it is exactly the number listed, and a sample of gets;
 * - a second whole listing some minutes later, and a sample of gets.
 * What none of them bears out stays as it is, the mailbox says so, and the listing is repeated later.
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

const NOT_COMPARED: Totals = { agree: false, uncounted: 0, isUnsettled: false };

const LABELS_AGREE: LabelTotals = { missing: 0, isUnsettled: false };

/** Of the labels that were listed beside the scope's own. Nothing is counted by age. */
async function compareLabelListings(
  { session, listing, run, labels, labelIds, startHistoryId }: EndedListing,
  counts: Question['counts'],
): Promise<LabelTotals> {
  const { scope } = listing.settings;
  if (labels === 'unread' || scope.after !== null) return LABELS_AGREE;
  return await compareLabels(
    { session, scope, counts, since: startHistoryId, signal: run.signal },
    labelsToList(scope, labelIds),
  );
}

interface Question extends EndedListing {
  readonly totals: Totals;
  readonly suspects: Suspects;
  readonly counts: Awaited<ReturnType<ActivityDependencies['store']['countListed']>>;
  readonly listedBefore: number | null;
}

interface Losses {
  /** True when every loss has its second witness, but for messages of which their gets told nothing. */
  readonly areProven: boolean;
  /** Messages of which their gets told nothing: they stay as they are. */
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

/** The store names no more suspects than that. */
const MOST_GETS = 10_000;

/** Whether something else than this listing says the same as it: Gmail's count, or a listing some minutes ago. */
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

/** Evenly over the list. */
function spread(ids: readonly MessageId[], count: number): readonly MessageId[] {
  const step = ids.length / count;
  return Array.from({ length: count }, (_, index) => ids[Math.floor(index * step)]).filter((id) => id !== undefined);
}

/**
 * One MINIMAL get each. What is there counts as listed, with the labels that it has; a clear "not found" bears out the
 * listing; a message whose get Gmail refuses stays as it is. A crash asks again, and changes nothing by that.
 *
 * @returns how many are there, or have a label, although the listings did not show them; and of which nothing was told
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
    const readings: FetchedMessage[] = [];
    const unanswered: MessageId[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const id = batch[index];
      if (outcome.kind === 'fetched') readings.push(...outcome.readings);
      else if (isOfMailbox(outcome.error.failure)) throw outcome.error;
      else if (outcome.error.failure.kind !== 'not-found' && id !== undefined) unanswered.push(id);
    }
    await deps.store.saveFetched({ mailbox, messages: readings, format: 'minimal', now: deps.clock.now() });
    const { listed } = await deps.store.correctListing({ mailbox, generation, readings, unanswered });
    // What changed since the mark is told by history.
    const settled = readings.filter((reading) => compareHistoryIds(reading.historyId, startHistoryId) <= 0);
    untold.push(...unanswered);
    refuted += settled.filter(
      (reading) => !agrees(reading, listed.get(reading.id), { scope: listing.settings.scope, labels }),
    ).length;
  }
  return { refuted, unanswered: untold };
}

/**
 * What says nothing of the message: the attempt fails, and the next one asks again. A message that is refused for
 * itself does not keep the listing from its end.
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
 * Whether the listings showed what a get shows: the message, where it is in scope, and all its labels, where they were
 * compared.
 */
function agrees(
  reading: FetchedMessage,
  listed: readonly LabelId[] | undefined,
  { scope, labels }: { readonly scope: Scope; readonly labels: EndedListing['labels'] },
): boolean {
  if (listed === undefined) return !inScope(scope, reading);
  return labels === 'unread' || reading.labelIds.every((label) => listed.includes(label));
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
  // A first full sync is listed once more in any case.
  const mayEnd = before === null && !reconciling ? totals.uncounted === 0 : isSettled(totals, before);
  const labelsMayEnd = areLabelsSettled(underLabels, before, deps.clock.now());
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

/** A mailbox that is never quiet, or of which Gmail counts nothing, is not listed for ever. */
const MOST_UNSETTLED = 3;

/**
 * Whether no listing needs to be made again for what Gmail counts. A doubt ends when the numbers agree; where they
 * cannot be compared, after some listings.
 */
export function isSettled({ agree, uncounted, isUnsettled }: Totals, before: Doubt | null): boolean {
  if (agree || uncounted > 0) return agree;
  return before === null ? !isUnsettled : before.checks >= MOST_UNSETTLED;
}

/**
 * Whether Gmail counts some labels in another way than it lists them is not documented: what stays so for days does.
 */
const MOST_UNDER_LABELS = 5;

/** The same of the labels: what changed while they were listed hides nothing twice. */
function areLabelsSettled({ missing, isUnsettled }: LabelTotals, before: Doubt | null, now: number): boolean {
  if (missing > 0) return before !== null && before.checks >= MOST_UNDER_LABELS;
  return !isUnsettled || (before?.underLabels !== undefined && before.checkedAt <= now - APART);
}

/**
 * A listing has left a doubt once more. One that follows within minutes (after a forced resync, or an expired history)
 * meets the same odd answers, so it neither counts as one more nor puts the next one off.
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

/** Tells whoever watches that a listing has ended in doubt. Totals that only have not settled yet are none. */
export function countDoubt(
  { telemetry }: Pick<ActivityDependencies, 'telemetry'>,
  { uncounted, absent, relabelled, underLabels = 0 }: Doubt,
): void {
  if (uncounted + absent + relabelled + underLabels > 0) telemetry?.add('tidemark_listings_doubted_total', 1, {});
}

/** When a doubted listing is repeated: some minutes later, an hour, daily, then weekly. */
export const recheckAt = ({ checks, checkedAt }: Doubt): number => checkedAt + (DELAYS[checks - 1] ?? WEEK);
