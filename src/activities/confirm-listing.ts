import { MAX_BATCH, type GmailSession } from '../gmail/gmail-api.ts';
import type { GmailFailure } from '../gmail/gmail-error.ts';
import type { Reading } from '../model/change.ts';
import { compareHistoryIds, type HistoryId, type LabelId, type MessageId } from '../model/ids.ts';
import { inScope, type Scope } from '../model/settings.ts';
import type { Doubt, FinishListingRequest, Suspects } from '../store/mailbox-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { Listing } from './listing.ts';
import { compareTotals, missingOf, type Totals } from './listing-totals.ts';

/** A listing that has come to its end. */
export interface EndedListing {
  readonly deps: ActivityDependencies;
  readonly session: GmailSession;
  readonly listing: Listing;
  readonly run: ActivityRun;
  readonly reconciling: boolean;
  readonly startHistoryId: HistoryId;
  readonly labels: 'compared' | 'unread';
  /** The mailbox's head some time before the listing began. */
  readonly since: HistoryId;
  /** Whether it may be repeated where Gmail counts more than it listed. */
  readonly mayRepeat: boolean;
}

/** `repeat`: Gmail counts more messages than it listed. `ended`: what the end of the listing may take for a fact. */
export type Verdict = { readonly kind: 'repeat' } | ({ readonly kind: 'ended'; readonly doubt: Doubt | null } & Required<Pick<FinishListingRequest, 'absence' | 'doubtedLabels'>>);

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
 * Decides what a listing's end may destroy: messages that it did not show, and labels whose listings did not show them. One answer of Gmail's may be wrong
 * (a page may be empty, or lack its token; a message may be missing from every listing for days), so each loss needs a second witness, the cheapest that there is:
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
  const totals = isWhole ? await compareTotals({ session: ended.session, scope: listing.settings.scope, counts, since: ended.since, signal: ended.run.signal }) : NOT_COMPARED;
  if (totals.uncounted > 0 && mayRepeat) return { kind: 'repeat' };
  const before = (await deps.store.getMailbox(mailbox))?.doubt ?? null;
  if (!reconciling) return verdict(ended, before, { totals, suspects: null, doubtedLabels: [] });

  const listedBefore = before !== null && before.checkedAt <= deps.clock.now() - APART ? before.checkedAt : null;
  const suspects = await deps.store.findSuspects({ mailbox, generation, labels: ended.labels, listedBefore });
  const inDoubt = await labelsInDoubt({ ...ended, totals, suspects, counts, listedBefore });
  return verdict(ended, before, { totals, suspects: inDoubt === null ? null : suspects, doubtedLabels: inDoubt ?? [] });
}

const NOT_COMPARED: Totals = { agree: false, uncounted: 0, isUnsettled: false };

interface Question extends EndedListing {
  readonly totals: Totals;
  readonly suspects: Suspects;
  readonly counts: Awaited<ReturnType<ActivityDependencies['store']['countListed']>>;
  readonly listedBefore: number | null;
}

/** null when every loss has its second witness; else the labels that are not to be taken off, and nothing is buried. */
async function labelsInDoubt(question: Question): Promise<readonly LabelId[] | null> {
  const { suspects, deps, counts } = question;
  const { messageIds } = suspects;
  const total = suspects.absent + suspects.relabelled;
  if (total === 0) return null;
  const all = messageIds.length;
  const { units } = deps.prices;
  const isWorthGets = all < MOST_GETS && all * units['messages.get'] <= Math.ceil(counts.messages / PAGE) * units['messages.list'];
  if (all <= FEW) {
    await confirmByGets(question, messageIds);
    return null;
  }
  const refuted = await confirmByGets(question, spread(messageIds, SAMPLE));
  if (refuted === 0 && (await isBorneOut(question))) return null;
  if (isWorthGets) {
    await confirmByGets(question, messageIds);
    return null;
  }
  return [...suspects.losing.keys()];
}

/** The store names no more suspects than that. */
const MOST_GETS = 10_000;

/** Whether something else than this listing says the same as it: Gmail's count, or a listing some minutes ago. */
async function isBorneOut({ session, listing, run, totals, suspects, counts, listedBefore }: Question): Promise<boolean> {
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
 * One MINIMAL get each. What is there counts as listed, with the labels that it has; a clear "not found" bears out the listing; a message whose get
 * Gmail refuses stays as it is. A crash asks again, and changes nothing by that.
 *
 * @returns how many are there, or have a label, although the listings did not show them
 */
async function confirmByGets({ deps, session, listing, run, startHistoryId, labels }: EndedListing, ids: readonly MessageId[]): Promise<number> {
  const { mailbox, generation } = listing;
  let refuted = 0;
  for (let from = 0; from < ids.length; from += MAX_BATCH) {
    const batch = ids.slice(from, from + MAX_BATCH);
    run.progress({ step: 'confirming', confirmed: from });
    const outcomes = await session.batchGet(batch.map((id) => ({ kind: 'message', id })), 'minimal', run.signal);
    const readings: Reading[] = [];
    const unanswered: MessageId[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const id = batch[index];
      if (outcome.kind === 'fetched') readings.push(...outcome.readings);
      else if (isThere(outcome.error.failure) && id !== undefined) unanswered.push(id);
      // Anything but a clear "not found" is no answer: the attempt fails, and the next one asks again.
      else if (outcome.error.failure.kind !== 'not-found') throw outcome.error;
    }
    await deps.store.saveReadings({ mailbox, readings, format: 'minimal', now: deps.clock.now() });
    const { listed } = await deps.store.correctListing({ mailbox, generation, readings, unanswered });
    // What changed since the mark is told by history.
    const settled = readings.filter((reading) => compareHistoryIds(reading.historyId, startHistoryId) <= 0);
    refuted += unanswered.length + settled.filter((reading) => !agrees(reading, listed.get(reading.id), { scope: listing.settings.scope, labels })).length;
  }
  return refuted;
}

/** Refused for itself, or answered so that it cannot be read: it is there. Such a message does not keep the listing from its end. */
const isThere = (failure: GmailFailure): boolean => failure.kind === 'invalid-request' || (failure.kind === 'unavailable' && failure.status === 200);

/** Whether the listings showed what a get shows: the message, where it is in scope, and all its labels, where they were compared. */
function agrees(reading: Reading, listed: readonly LabelId[] | undefined, { scope, labels }: { readonly scope: Scope; readonly labels: EndedListing['labels'] }): boolean {
  if (listed === undefined) return !inScope(scope, reading);
  return labels === 'unread' || reading.labelIds.every((label) => listed.includes(label));
}

function verdict({ deps, reconciling }: EndedListing, before: Doubt | null, found: { totals: Totals; suspects: Suspects | null; doubtedLabels: readonly LabelId[] }): Verdict {
  const { totals, suspects, doubtedLabels } = found;
  const absence = suspects === null ? 'proven' : 'doubted';
  if (suspects === null && totals.uncounted === 0 && !(totals.isUnsettled && reconciling)) return { kind: 'ended', absence, doubtedLabels, doubt: null };
  const now = deps.clock.now();
  return { kind: 'ended', absence, doubtedLabels, doubt: nextDoubt(before, { uncounted: totals.uncounted, absent: suspects?.absent ?? 0, relabelled: suspects?.relabelled ?? 0 }, now) };
}

/** A listing has left a doubt once more. */
export function nextDoubt(before: Doubt | null, found: Pick<Doubt, 'uncounted' | 'absent' | 'relabelled'>, now: number): Doubt {
  return { ...found, since: before?.since ?? now, checkedAt: now, checks: (before?.checks ?? 0) + 1 };
}

const MINUTE = 60_000;
const DELAYS = [APART + MINUTE, 60 * MINUTE];
const DAILY = 24 * 60 * MINUTE;

/** When a doubted listing is repeated: some minutes later, an hour, then daily. */
export const recheckAt = ({ checks, checkedAt }: Doubt): number => checkedAt + (DELAYS[checks - 1] ?? DAILY);
