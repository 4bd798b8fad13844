import type { FetchedMessage, Lacking } from '../../model/change.ts';
import { compareHistoryIds, newerHistoryId, type HistoryId } from '../../model/ids.ts';
import { seemsGone } from '../../model/not-found.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { isUnfetched, newRow, sameLabelIds, sortedLabelIds, type MessageRow } from './message-row.ts';
import { refreshAfter, valuesAfter, waitsForLabels, type LabelsAfter } from './refresh-rules.ts';
import { followScope, type RowRules } from './row-scope.ts';

export type FetchedOutcome =
  | { readonly verdict: 'applied'; readonly row: MessageRow; readonly writesBody: boolean }
  /** The answer came from a replica that is behind the row: the message must be fetched again. */
  | { readonly verdict: 'stale' }
  /** The message was deleted after Gmail gave this answer. */
  | { readonly verdict: 'buried' }
  /** No listing and no history has shown the message yet, and whether it is within the scope's limit is still open. */
  | { readonly verdict: 'unplaced' };

/** How a message was asked for. */
export interface GetRequest {
  readonly format: MessageFormat;
  /** Epoch ms; null where the caller does not know. */
  readonly at: number | null;
}

/** Applies one fetched message to its row; `FetchingStore.saveFetched` states the rules. */
export function applyFetchedMessage(
  before: MessageRow | null,
  fetched: FetchedMessage,
  asked: GetRequest,
  rules: RowRules,
): FetchedOutcome {
  const { format } = asked;
  const verdict = before === null ? refusalOfUnknown(rules) : refusalOf(before, fetched);
  if (verdict !== null) return { verdict };
  const row = before ?? newRow(fetched.id, fetched.threadId, 'live', rules.now);
  const content = contentOf(row, fetched, format, rules);
  const { meaning, ...labels } = labelsAfter(row, fetched, asked, rules);
  const read: MessageRow = {
    ...row,
    threadId: fetched.threadId,
    historyId: fetched.historyId,
    ...valuesAfter(row, fetched),
    snippet: fetched.snippet,
    ...labels,
    ...contentAfter(row, fetched, content),
    ...refreshAfter(row, fetched, meaning, rules.now),
    // A newer answer undoes a tombstone; followScope decides the state below.
    state: row.state === 'gone' ? 'excluded' : row.state,
    ...(seemsGone(row.lastError) ? withoutNotFounds(row) : {}),
  };
  const followed = followScope(read, rules);
  return {
    verdict: 'applied',
    // This get succeeded: the attachments that the body lacks are due at once.
    row:
      content.isComplete && isUnfetched(followed)
        ? { ...followed, state: 'pending', attempts: 0, lastError: null, nextAttemptAt: 0 }
        : followed,
    writesBody: writesBody(row, fetched, content),
  };
}

/** Gmail shows a message that seemed gone. If the 404s had made it fail, it is fetched at once. */
function withoutNotFounds({ state }: MessageRow): Partial<MessageRow> {
  const counted = { attempts: 0, lastError: null };
  return state === 'failed' ? { ...counted, state: 'pending', nextAttemptAt: 0 } : counted;
}

/**
 * An unknown message comes with its thread. It may be an import that is older than the limit's floor. Stored now, it
 * would leave once the floor is known, and come back when history reports its arrival.
 */
const refusalOfUnknown = ({ isFloorOpen }: RowRules): 'unplaced' | null => (isFloorOpen ? 'unplaced' : null);

function refusalOf(before: MessageRow, { historyId }: FetchedMessage): 'buried' | 'stale' | null {
  if (before.state === 'gone') {
    const buriedAt = newest(before.historyId, before.readingHistoryId);
    return buriedAt !== null && compareHistoryIds(historyId, buriedAt) <= 0 ? 'buried' : null;
  }
  return before.historyId !== null && compareHistoryIds(historyId, before.historyId) < 0 ? 'stale' : null;
}

/**
 * Labels are those of the answer, or of a listing that is newer. Gmail's historyId of a quiet message is old, so an
 * answer that differs from a later listing may be right: the listing may have lacked a label. Or it was asked for
 * before the listing and comes from an abandoned attempt. An answer that was asked for after the difference appeared
 * decides; any number of abandoned attempts cannot.
 */
function labelsAfter(
  row: MessageRow,
  fetched: FetchedMessage,
  asked: GetRequest,
  rules: RowRules,
): Pick<MessageRow, 'labelIds' | 'readingHistoryId'> & { readonly meaning: LabelsAfter } {
  const labelIds = sortedLabelIds(fetched.labelIds);
  const held = { labelIds: row.labelIds, readingHistoryId: row.readingHistoryId };
  const isOlder = row.readingHistoryId !== null && compareHistoryIds(fetched.historyId, row.readingHistoryId) < 0;
  if (!isOlder)
    return { labelIds, readingHistoryId: newest(row.readingHistoryId, fetched.historyId), meaning: 'known' };
  const isSame = sameLabelIds(row.labelIds, labelIds);
  if (!waitsForLabels(row, rules)) return { ...held, meaning: isSame ? 'known' : 'in question' };
  const decides = asked.at !== null && row.refreshAt !== null && asked.at >= row.refreshAt;
  if (decides)
    return isSame ? { ...held, meaning: 'known' } : { labelIds, readingHistoryId: fetched.historyId, meaning: 'known' };
  return { ...held, meaning: isSame || isDue(row, rules) ? 'still in question' : 'in question' };
}

/** Whether the labels were in question before: then an answer that does not decide leaves the time of that as it is. */
const isDue = ({ refreshAt }: MessageRow, { now }: RowRules): boolean => refreshAt !== null && refreshAt <= now;

/** What an answer brings of a message's content, compared with what the row holds. */
interface Content {
  readonly format: MessageFormat;
  /** FULL stands in for a raw that Gmail does not give. It never replaces a raw that is held. */
  readonly standsIn: boolean;
  /**
   * False when the answer brings only labels: it has another format than the settings' (they changed during the fetch,
   * or it is a refresh), or no body.
   */
  readonly isComplete: boolean;
  /**
   * True when the row holds the attachments and the answer's body (from threads.get, for example) does not. A message's
   * bytes never change, so the held body stays.
   */
  readonly holdsMore: boolean;
}

function contentOf(row: MessageRow, fetched: FetchedMessage, format: MessageFormat, rules: RowRules): Content {
  const standsIn = fetched.lacks === 'raw' && format === 'full' && rules.format === 'raw' && row.format !== 'raw';
  const isComplete = (format === rules.format || standsIn) && (fetched.body !== null || format === 'minimal');
  const holdsMore = isComplete && row.format === format && row.attachmentsHeld && fetched.attachments?.held === false;
  return { format, standsIn, isComplete, holdsMore };
}

function contentAfter(
  row: MessageRow,
  fetched: FetchedMessage,
  { format, standsIn, isComplete, holdsMore }: Content,
): Pick<MessageRow, 'format' | 'lacks' | 'attachments' | 'attachmentsHeld'> {
  const { attachments, attachmentsHeld, lacks } = row;
  if (!isComplete) return { format: row.format, attachments, attachmentsHeld, lacks };
  return {
    format,
    ...(holdsMore
      ? { attachments, attachmentsHeld }
      : { attachments: fetched.attachments?.count ?? null, attachmentsHeld: fetched.attachments?.held ?? false }),
    lacks: lacksAfter(row, fetched, standsIn, holdsMore),
  };
}

function writesBody(row: MessageRow, fetched: FetchedMessage, { format, isComplete, holdsMore }: Content): boolean {
  if (!isComplete || fetched.body === null || holdsMore) return false;
  const completes = row.format === format && !row.attachmentsHeld && fetched.attachments?.held === true;
  const bringsSome = (fetched.attachments?.brought ?? 0) > 0;
  if (completes || bringsSome) return true;
  const seenBefore =
    row.format === format &&
    row.readingHistoryId !== null &&
    compareHistoryIds(fetched.historyId, row.readingHistoryId) <= 0;
  // A body that holds some attachments is kept, unless this answer was merged with it (then it brings some, too).
  const holdsSome = row.lacks === 'attachments' && row.format === format;
  return !seenBefore && !holdsSome;
}

/** What Gmail did not give stays lacking until an answer brings it. */
function lacksAfter(row: MessageRow, fetched: FetchedMessage, standsIn: boolean, holdsMore: boolean): Lacking | null {
  if (standsIn) return 'raw';
  return row.lacks === 'attachments' && !holdsMore && fetched.attachments?.held === false ? 'attachments' : null;
}

function newest(a: HistoryId | null, b: HistoryId): HistoryId;
function newest(a: HistoryId | null, b: HistoryId | null): HistoryId | null;
function newest(a: HistoryId | null, b: HistoryId | null): HistoryId | null {
  if (a === null || b === null) return a ?? b;
  return newerHistoryId(a, b);
}
