import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { HistoryId, LabelId, MessageId } from '../model/ids.ts';
import { HIDING_LABELS, isHiding, type Scope } from '../model/settings.ts';
import type { ListedCounts } from '../store/listing/listing-store.ts';
import { pagesOf } from './list-ids.ts';
import { listIds } from './list-ids.ts';
import { vanishedSince } from './vanished.ts';

/**
 * How the number of listed messages compares with Gmail's count. The count is the second witness of a listing, and
 * costs one to three units.
 */
export interface Totals {
  /** True when both numbers are the same and nothing moved meanwhile: the listing is complete. */
  readonly agree: boolean;
  /** How many messages Gmail counts but did not list, beyond what changed meanwhile. */
  readonly uncounted: number;
  /**
   * True when only a later listing can decide: the numbers differ by no more than changed meanwhile, or Gmail gave no
   * number.
   */
  readonly isUndecided: boolean;
}

interface TotalsRequest {
  readonly session: GmailSession;
  readonly scope: Scope;
  readonly counts: ListedCounts;
  /** The mailbox's head some time before the listing began. */
  readonly since: HistoryId;
  /**
   * How many messages have moved into or out of the listing since `since`; absent unless all records since were read.
   */
  readonly moved?: number | undefined;
  readonly signal: AbortSignal;
}

/** Gmail gives no count for a scope with an age. */
const UNCOUNTABLE: Totals = { agree: false, uncounted: 0, isUndecided: false };
const NO_COUNT: Totals = { agree: false, uncounted: 0, isUndecided: true };

/**
 * Compares the number of listed messages with Gmail's count: `messagesTotal` of getProfile, less spam and trash if they
 * are not in scope, or, in a scope of labels, `messagesTotal` of each label. A message that changed since the listing
 * began may be in one number and not in the other. So a difference proves nothing if it is not larger than the number
 * of such messages. For a scope with an age, Gmail has no count to compare with.
 */
export async function compareTotals({
  session,
  scope,
  counts,
  since,
  signal,
  ...known
}: TotalsRequest): Promise<Totals> {
  if (scope.after !== null) return UNCOUNTABLE;
  const differences =
    scope.labelIds.length === 0
      ? [await missingOfAll(session, scope, counts, signal)]
      : await Promise.all(scope.labelIds.map((label) => missingOf({ session, scope, counts, label, signal })));
  const counted = differences.filter((difference) => difference !== null);
  if (counted.length < differences.length) return NO_COUNT;
  const missing = Math.max(...counted);
  const { moved, isWhole } =
    known.moved === undefined
      ? await vanishedSince(session, { since }, scope, signal)
      : { moved: known.moved, isWhole: true };
  // If anything moved, equal numbers prove nothing: one message that went may hide one that the listing left out.
  if (moved === 0 && isWhole && counted.every((difference) => difference === 0))
    return { agree: true, uncounted: 0, isUndecided: false };
  return { agree: false, uncounted: Math.max(0, missing - moved), isUndecided: missing <= moved };
}

/** How Gmail's count under each label (one unit each) compares with what the label's listing showed. */
export interface LabelTotals {
  /**
   * How many messages Gmail counts under a label but did not list there, beyond what changed meanwhile; the most of any
   * label.
   */
  readonly missing: number;
  /**
   * True when some label cannot be decided now: changes meanwhile may hide missing messages, or Gmail gave no number.
   */
  readonly isUndecided: boolean;
}

/**
 * Compares the listings of labels with Gmail's counts. Nothing else reveals that a label's listing left out a message
 * which the store does not hold under that label. In a scope with an age, only small labels can be compared.
 *
 * @param request.since - a head from before the first of the listings
 */
export async function compareLabels(
  { session, scope, counts, since, signal }: Omit<TotalsRequest, 'moved' | 'counts'> & Pick<LabelCount, 'counts'>,
  labels: readonly LabelId[],
): Promise<LabelTotals> {
  const differences: { readonly label: LabelId; readonly missing: number | null }[] = [];
  const missingUnder = scope.after === null ? missingOf : missingOfAnyAge;
  for (const label of labels)
    differences.push({ label, missing: await missingUnder({ session, scope, counts, label, signal }) });
  if (differences.length === 0) return { missing: 0, isUndecided: false };
  const vanished = await vanishedSince(session, { since }, scope, signal);
  const missing = Math.max(
    0,
    ...differences.map(({ label, missing: ofLabel }) => (ofLabel ?? 0) - vanished.movedUnder(label)),
  );
  return {
    missing,
    isUndecided:
      !vanished.isWhole ||
      differences.some(({ label, missing: ofLabel }) => ofLabel === null || vanished.movedUnder(label) > 0),
  };
}

/** How many messages Gmail counts beyond those listed; null when Gmail gives no count. */
async function missingOfAll(
  session: GmailSession,
  scope: Scope,
  counts: ListedCounts,
  signal: AbortSignal,
): Promise<number | null> {
  const { messagesTotal } = await session.getProfile(signal);
  if (messagesTotal === null) return null;
  if (scope.includeSpamTrash) return messagesTotal - counts.messages;
  let hidden = 0;
  for (const label of HIDING_LABELS) {
    const counted = await countHidden(session, label, signal);
    if (counted === null) return null;
    hidden += counted;
  }
  return messagesTotal - hidden - counts.messages;
}

/**
 * How many messages are in spam or in trash. labels.get may not know a label that messages carry (lieer#48), for days.
 * Then its listing is counted. A message missing there makes the mailbox seem larger, so it causes a doubt and ends
 * none.
 */
async function countHidden(session: GmailSession, label: LabelId, signal: AbortSignal): Promise<number | null> {
  const counted = await session.getLabel(label, signal);
  return counted?.messagesTotal ?? (await countPages(session, [label], signal));
}

interface LabelCount {
  readonly session: GmailSession;
  readonly scope: Scope;
  readonly counts: Pick<ListedCounts, 'labels'>;
  readonly label: LabelId;
  readonly signal: AbortSignal;
}

/**
 * How many messages Gmail counts under one label beyond those listed: 0 for a label that is gone, null when Gmail gives
 * no count. Whether a label's count includes spam and trash is not documented, so the listing is complete if it agrees
 * either way.
 */
export async function missingOf({ session, scope, counts, label, signal }: LabelCount): Promise<number | null> {
  const counted = await session.getLabel(label, signal);
  if (counted === null && (await isGone(session, label, signal))) return 0;
  if (counted === null || counted.messagesTotal === null) return null;
  const missing = counted.messagesTotal - (counts.labels.get(label) ?? 0);
  if (missing <= 0 || scope.includeSpamTrash || isHiding(label)) return missing;
  let hidden = 0;
  for (const hiding of HIDING_LABELS) {
    const counted = await countPages(session, [label, hiding], signal);
    if (counted === null) return null;
    hidden += counted;
  }
  return Math.max(0, missing - hidden);
}

/** A label of more messages than this is not listed as a whole: 20 units. */
const MOST_OF_ANY_AGE = 2_000;

/**
 * The same in a scope with an age, where Gmail's count includes older messages. If the count is higher than the number
 * listed, the label is listed without the age: a message that Gmail leaves out of the label's listing is missing there
 * as well. A large label is not worth that price: its listing is believed, and only an audit finds what the listing
 * left out.
 */
async function missingOfAnyAge(count: LabelCount): Promise<number | null> {
  const { session, counts, label, signal } = count;
  const counted = await session.getLabel(label, signal);
  if (counted === null && (await isGone(session, label, signal))) return 0;
  if (counted === null || counted.messagesTotal === null) return null;
  const total = counted.messagesTotal;
  if (total <= (counts.labels.get(label) ?? 0) || total > MOST_OF_ANY_AGE) return 0;
  const listed = await countPages(session, [label], signal);
  return listed === null ? null : Math.max(0, total - listed);
}

/** labels.get may not know a label that messages carry (lieer#48), so the label's listing decides. */
async function isGone(session: GmailSession, label: LabelId, signal: AbortSignal): Promise<boolean> {
  return (
    (await listIds(session, { labelIds: [label], includeSpamTrash: true, pageToken: null }, signal)) === 'label-gone'
  );
}

/** More pages than this are not worth counting: 50 units. */
const MOST_PAGES = 10;

async function countPages(
  session: GmailSession,
  labelIds: readonly LabelId[],
  signal: AbortSignal,
): Promise<number | null> {
  const messages = new Set<MessageId>();
  let pages = 0;
  for await (const page of pagesOf(session, { labelIds, includeSpamTrash: true }, signal)) {
    for (const { id } of page) messages.add(id);
    pages += 1;
    if (pages > MOST_PAGES) return null;
  }
  return messages.size;
}
