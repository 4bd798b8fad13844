import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { HistoryId, LabelId } from '../model/ids.ts';
import { isHiding, type Scope } from '../model/settings.ts';
import type { ListedCounts } from '../store/listing/listing-store.ts';
import { pagesOf } from './list-ids.ts';
import { listIds } from './list-ids.ts';
import { vanishedSince } from './vanished.ts';

/**
 * How the number of listed messages compares with the number that Gmail counts: the second witness of a listing, for a
 * unit or three.
 */
export interface Totals {
  /** True when both are the same and nothing moved meanwhile, so that the listing lacks nothing. */
  readonly agree: boolean;
  /** Messages that Gmail counts and did not list, beyond what changed meanwhile. */
  readonly uncounted: number;
  /**
   * True when nothing can be told now, and a later listing may tell: they differ by no more than changed meanwhile, or
   * Gmail gave no number.
   */
  readonly isUnsettled: boolean;
}

interface TotalsRequest {
  readonly session: GmailSession;
  readonly scope: Scope;
  readonly counts: ListedCounts;
  /** The mailbox's head some time before the listing began. */
  readonly since: HistoryId;
  /** How many messages moved into or out of the listing since, where that is known. */
  readonly moved?: number | undefined;
  readonly signal: AbortSignal;
}

/** Of a scope with an age Gmail never counts anything. */
const UNCOUNTABLE: Totals = { agree: false, uncounted: 0, isUnsettled: false };
const NOT_TOLD: Totals = { agree: false, uncounted: 0, isUnsettled: true };

/**
 * Compares what was listed with `messagesTotal` of getProfile, less spam and trash where they are not in scope, or with
 * that of each label of the scope. What changed since the listing began may be in one and not in the other: so many
 * messages say nothing. Where the scope has an age, Gmail counts nothing to compare with.
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
  if (counted.length < differences.length) return NOT_TOLD;
  const missing = Math.max(...counted);
  const moved = known.moved ?? (await vanishedSince(session, { since }, scope, signal)).moved;
  // One that went and one that is left out make the numbers agree, too.
  if (moved === 0 && counted.every((difference) => difference === 0))
    return { agree: true, uncounted: 0, isUnsettled: false };
  return { agree: false, uncounted: Math.max(0, missing - moved), isUnsettled: missing <= moved };
}

/** What Gmail counts under each label, a unit each, beside what its listing showed. */
export interface LabelTotals {
  /** Messages that Gmail counts under some label and did not list there, beyond what changed meanwhile. */
  readonly missing: number;
  /**
   * True when nothing can be told now of some label: what changed meanwhile may hide what is missing, or Gmail gave no
   * number.
   */
  readonly isUnsettled: boolean;
}

/**
 * Compares the listings of labels with Gmail's counts: a listing that leaves out a message which nobody knew under that
 * label is told by nothing else.
 *
 * @param request.since - a head from before the first of the listings
 */
export async function compareLabels(
  { session, scope, counts, since, signal }: Omit<TotalsRequest, 'moved'>,
  labels: readonly LabelId[],
): Promise<LabelTotals> {
  const differences: { readonly label: LabelId; readonly missing: number | null }[] = [];
  for (const label of labels)
    differences.push({ label, missing: await missingOf({ session, scope, counts, label, signal }) });
  if (differences.length === 0) return { missing: 0, isUnsettled: false };
  const vanished = await vanishedSince(session, { since }, scope, signal);
  const missing = Math.max(
    0,
    ...differences.map(({ label, missing: ofLabel }) => (ofLabel ?? 0) - vanished.movedUnder(label)),
  );
  return {
    missing,
    isUnsettled: differences.some(({ label, missing: ofLabel }) => ofLabel === null || vanished.movedUnder(label) > 0),
  };
}

/** Messages that Gmail counts beyond those listed; null when it does not count them. */
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
    const counted = await session.getLabel(label, signal);
    if (counted === null || counted.messagesTotal === null) return null;
    hidden += counted.messagesTotal;
  }
  return messagesTotal - hidden - counts.messages;
}

const HIDING_LABELS = ['SPAM', 'TRASH'] as readonly string[] as readonly LabelId[];

interface LabelCount {
  readonly session: GmailSession;
  readonly scope: Scope;
  readonly counts: ListedCounts;
  readonly label: LabelId;
  readonly signal: AbortSignal;
}

/**
 * The same for one label; a label that is gone has none. Whether Gmail counts spam and trash among its messages is not
 * documented: either way may agree.
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

/** labels.get may know nothing of a label that messages carry (lieer#48): its listing tells. */
async function isGone(session: GmailSession, label: LabelId, signal: AbortSignal): Promise<boolean> {
  return (
    (await listIds(session, { labelIds: [label], includeSpamTrash: true, pageToken: null }, signal)) === 'label-gone'
  );
}

/** More than that are not worth counting: 50 units. */
const MOST_PAGES = 10;

async function countPages(
  session: GmailSession,
  labelIds: readonly LabelId[],
  signal: AbortSignal,
): Promise<number | null> {
  let messages = 0;
  let pages = 0;
  for await (const page of pagesOf(session, { labelIds, includeSpamTrash: true }, signal)) {
    messages += page.length;
    pages += 1;
    if (pages > MOST_PAGES) return null;
  }
  return messages;
}
