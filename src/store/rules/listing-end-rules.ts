import { compareHistoryIds, newerHistoryId, type HistoryId, type LabelId } from '../../model/ids.ts';
import type { WhyGone } from '../../model/change.ts';
import {
  isCounted,
  isCurrent,
  isDecided,
  isUnfetched,
  sameLabelIds,
  sortedLabelIds,
  type MessageRow,
} from './message-row.ts';
import { followKnownScope, isContradicted, readFromNow, readLabelsAgain, withKnownLabels } from './refresh-rules.ts';
import { isComplete, isInScope, followScope, toFetch, toGone, type RowRules } from './row-scope.ts';

/** The facts that the end of a listing is based on. */
export interface EndedListing {
  readonly generation: number;
  readonly startHistoryId: HistoryId;
  /** True when the store held messages before. Then the listing waited for Gmail's index, and absence is a fact. */
  readonly reconciling: boolean;
  readonly labels: 'compared' | 'unread';
  /** Whether messages that the listing did not show are known to be gone. If that is doubted, they stay as they are. */
  readonly absence: 'proven' | 'doubted';
  /** Whether the listing ended in doubt: some message may be in scope although no listing showed it. */
  readonly isDoubted: boolean;
  /** Whether the scope of the settings differs from that of the listing before. */
  readonly isOtherScope: boolean;
  /** Labels whose listings are not believed. They are not taken off any message. */
  readonly doubtedLabels: ReadonlySet<LabelId>;
  /**
   * With a limit: rows that a listing made beyond this position are removed. It covers every row that was known before.
   */
  readonly lastPosition: number | null;
  /** Rows beyond the limit are kept down to this position: their dates decide once they are read. */
  readonly undatedTo: number;
  /** The newest generation whose listing had ended before this one. */
  readonly listedBefore: number;
}

/**
 * The row after the end of a listing; null removes it, so that the message is unknown again.
 * `ListingStore.finishListing` states the rules.
 *
 * @param listedLabels the labels whose listings held the message, sorted
 */
export function rowAfterListing(
  before: MessageRow,
  listedLabels: readonly LabelId[],
  listing: EndedListing,
  rules: RowRules,
): MessageRow | null {
  const row = withoutOpenAdmission(before, listing);
  if (row.state === 'gone') return withoutKeptBody(row, listedLabels, listing, rules);
  const changedSince = row.historyId !== null && compareHistoryIds(row.historyId, listing.startHistoryId) > 0;
  if (row.listedGeneration !== listing.generation) {
    if (changedSince || listing.absence === 'doubted') return inFormat(followScopeAgain(row, rules), rules);
    if (listing.reconciling) return withReadingId(unlisted(row, listedLabels, listing, rules), listing);
    // The index may show the message later. A message that was never fetched becomes unknown, so that the relisting
    // finds it, unless an earlier listing let it in: this one may have ended at the limit, above it. A message that was
    // fetched meanwhile exists, and its later changes are in the history since the mark.
    const isUnknown = row.readingHistoryId === null && !wasLetIn(row, listing);
    return isUnknown ? null : inFormat(followScopeAgain(row, rules), rules);
  }
  // A row that the feed has announced leaves the scope by its date instead, and the feed reports that, too.
  const isUndated = row.position !== null && row.position <= listing.undatedTo;
  if (isBeyondLimit(row, listing) && !isUndated && !row.announced && isUnfetched(row)) return null;
  const admitted = admit(row, listing);
  const relabelled =
    listing.labels === 'compared'
      ? compareLabels(admitted, listedLabels, changedSince, listing, rules)
      : withListedScope(admitted, listing, rules);
  return inFormat(withoutNeedlessFetch(relabelled, rules), rules);
}

/** Whether the message is within the limit by an earlier listing of this scope, or had arrived before that one. */
const wasLetIn = (
  { admittedGeneration }: MessageRow,
  { lastPosition, listedBefore, isOtherScope }: EndedListing,
): boolean =>
  lastPosition !== null &&
  !isOtherScope &&
  listedBefore > 0 &&
  admittedGeneration !== null &&
  admittedGeneration <= listedBefore;

/**
 * The row without an admission that no listing has confirmed. A page admits all that it shows, and only the end of the
 * listing says what lies within the limit. Another listing may take its place before that. An old message that stayed
 * admitted would lower the date of the oldest message within the limit, even after its deletion.
 */
function withoutOpenAdmission(row: MessageRow, listing: EndedListing): MessageRow {
  const { generation, lastPosition, listedBefore } = listing;
  const isOpen = row.admittedGeneration !== null && row.admittedGeneration > listedBefore;
  if (!isOpen || lastPosition === null) return row;
  const isListed = row.listedGeneration === generation && row.position !== null;
  // `admit` decides over rows beyond the limit, but leaves gone ones alone.
  const isKept = isListed && (row.state !== 'gone' || !isBeyondLimit(row, listing));
  return isKept ? row : { ...row, admittedGeneration: null };
}

/**
 * The row of a message that is known to be absent, or outside the scope. A message that was deleted, or that the
 * settings leave out, has its body buried.
 */
function unlisted(
  row: MessageRow,
  listedLabels: readonly LabelId[],
  listing: EndedListing,
  rules: RowRules,
): MessageRow {
  const gone = toGone(row, rules.now, whyUnlisted(row, listedLabels, rules));
  return keepsBody(row, listedLabels, listing) ? { ...gone, buriedAt: null } : gone;
}

/** Buries the body that an earlier listing kept, unless this listing keeps it, too. */
function withoutKeptBody(
  row: MessageRow,
  listedLabels: readonly LabelId[],
  listing: EndedListing,
  { now }: RowRules,
): MessageRow {
  const isKept = row.buriedAt === null && row.format !== null;
  return isKept && listing.reconciling && !keepsBody(row, listedLabels, listing) ? { ...row, buriedAt: now } : row;
}

/**
 * Whether the body of a message outside the scope stays, until a later listing or history shows the deletion. It stays
 * while the listing of any label shows the message, unless the settings have just left it out. No get asks for a
 * message that had left the scope, so its body also stays while a listing is in doubt, which may be about this very
 * message.
 */
function keepsBody(
  row: MessageRow,
  listedLabels: readonly LabelId[],
  { isDoubted, isOtherScope }: EndedListing,
): boolean {
  const hadLeft = row.state === 'excluded' || row.state === 'gone';
  return (listedLabels.length > 0 && (hadLeft || !isOtherScope)) || (hadLeft && isDoubted);
}

/**
 * Why a listing did not show a message. What is known of the message, or a label's listing that shows it, may say that
 * it exists outside the scope. The row becomes `gone` either way: the listing says nothing else of its labels, and they
 * may have changed.
 */
function whyUnlisted(row: MessageRow, listedLabels: readonly LabelId[], rules: RowRules): WhyGone {
  const isOutside = row.readingHistoryId !== null && !isInScope(row, rules);
  return isOutside || listedLabels.length > 0 ? 'excluded' : 'deleted';
}

/**
 * A row may wait for something that is no longer wanted (attachments, another format). It needs no fetch if its body is
 * complete under today's settings and its labels are known, since nothing has changed since they were read or compared.
 */
function withoutNeedlessFetch(row: MessageRow, rules: RowRules): MessageRow {
  if (!isUnfetched(row) || !isComplete(row, rules)) return row;
  return isCurrent(row) ? followScope(row, rules, 'backfill') : row;
}

function isBeyondLimit(row: MessageRow, { lastPosition }: EndedListing): boolean {
  if (lastPosition === null || row.position === null || row.position <= lastPosition) return false;
  return isCounted(row);
}

/**
 * A row within the limit is in scope whatever its date, and its date may become the floor, even if an earlier listing
 * did not show it. A row beyond the limit that was fetched meanwhile, with its thread, is in scope only by its date.
 */
function admit(row: MessageRow, listing: EndedListing): MessageRow {
  if (isBeyondLimit(row, listing)) return { ...row, admittedGeneration: null };
  const { lastPosition, generation } = listing;
  const within = lastPosition !== null && row.position !== null && row.position <= lastPosition;
  return within && row.admittedGeneration === null ? { ...row, admittedGeneration: generation } : row;
}

/**
 * A row that changed after the listing began is not compared, since the listings may be older. But if records were
 * applied to labels that had not been read since (`readingHistoryId`), and the result differs from the listings, one
 * get decides.
 */
function compareLabels(
  row: MessageRow,
  listed: readonly LabelId[],
  changedSince: boolean,
  listing: EndedListing,
  rules: RowRules,
): MessageRow {
  if (!changedSince) {
    const read = withReadingId(row, listing);
    const labelIds = believed(row, listed, listing);
    const compared = sameLabelIds(read.labelIds, labelIds) ? read : { ...read, labelIds };
    // A label that stays although the listings do not show it is still in question.
    const isKnown = sameLabelIds(labelIds, listed);
    const settled = isKnown ? withKnownLabels(compared, rules) : readFromNow(compared, rules);
    return isDecided(row) ? followScope(settled, rules, 'backfill') : settled;
  }
  const readSince =
    row.readingHistoryId !== null && compareHistoryIds(row.readingHistoryId, listing.startHistoryId) >= 0;
  const scoped = followScopeAgain(row, rules);
  return isDecided(row) && !readSince && !sameLabelIds(row.labelIds, listed)
    ? readLabelsAgain(scoped, rules.now)
    : scoped;
}

/** The state of a listed row whose labels were not compared. */
function withListedScope(row: MessageRow, { startHistoryId }: EndedListing, rules: RowRules): MessageRow {
  return isContradicted(row, startHistoryId, rules)
    ? readLabelsAgain(row, rules.now)
    : followKnownScope(row, rules, 'backfill');
}

/** The listed labels, plus those of the row whose listings are not believed. */
function believed(row: MessageRow, listed: readonly LabelId[], { doubtedLabels }: EndedListing): readonly LabelId[] {
  const kept = doubtedLabels.size === 0 ? [] : row.labelIds.filter((label) => doubtedLabels.has(label));
  return kept.length === 0 ? listed : sortedLabelIds([...listed, ...kept]);
}

/** Decides again the state of a row that was not compared: the settings may have changed after it was decided. */
function followScopeAgain(row: MessageRow, rules: RowRules): MessageRow {
  return isDecided(row) ? followScope(row, rules, 'backfill') : row;
}

/** Raises only `readingHistoryId`: the message's own history id is older, and a get still answers with that one. */
function withReadingId(row: MessageRow, { startHistoryId }: EndedListing): MessageRow {
  const readingHistoryId =
    row.readingHistoryId === null ? startHistoryId : newerHistoryId(row.readingHistoryId, startHistoryId);
  return readingHistoryId === row.readingHistoryId ? row : { ...row, readingHistoryId };
}

function inFormat(row: MessageRow, rules: RowRules): MessageRow {
  return row.state === 'stored' && !isComplete(row, rules) ? toFetch(row, 'backfill', rules.now) : row;
}
