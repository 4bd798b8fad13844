import type { FetchedMessage, Lacking } from '../../model/change.ts';
import { compareHistoryIds, newerHistoryId, type HistoryId } from '../../model/ids.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { newRow, sameLabelIds, sortedLabelIds, type MessageRow } from './message-row.ts';
import { followScope, type RowRules } from './row-scope.ts';

export type FetchedOutcome =
  | { readonly verdict: 'applied'; readonly row: MessageRow; readonly writesBody: boolean }
  /** The answer came from a replica that is behind the row: the message must be fetched again. */
  | { readonly verdict: 'stale' }
  /** The message was deleted after Gmail gave this answer. */
  | { readonly verdict: 'buried' };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/**
 * Delays after which one MINIMAL get asks again for a date or a size that was left out because its value was
 * impossible.
 */
const LEFT_OUT_AGAIN = [10 * MINUTE, 6 * HOUR, 3 * DAY, 14 * DAY];
const RAREST = 30 * DAY;

/** Applies one fetched message to its row; `FetchingStore.saveFetched` states the rules. */
export function applyFetchedMessage(
  before: MessageRow | null,
  fetched: FetchedMessage,
  format: MessageFormat,
  rules: RowRules,
): FetchedOutcome {
  if (before !== null && before.state === 'gone') {
    const buriedAt = newest(before.historyId, before.readingHistoryId);
    if (buriedAt !== null && compareHistoryIds(fetched.historyId, buriedAt) <= 0) return { verdict: 'buried' };
  } else if (
    before !== null &&
    before.historyId !== null &&
    compareHistoryIds(fetched.historyId, before.historyId) < 0
  ) {
    return { verdict: 'stale' };
  }

  const row = before ?? newRow(fetched.id, fetched.threadId, 'live', rules.now);
  // An answer in another format than the settings' brings only labels: the settings changed during the fetch, or it is
  // a refresh. FULL stands in for a raw that Gmail does not give. It never replaces a raw that is held.
  const standsIn = fetched.lacks === 'raw' && format === 'full' && rules.format === 'raw' && row.format !== 'raw';
  const complete = (format === rules.format || standsIn) && (fetched.body !== null || format === 'minimal');
  // Gmail's historyId of a quiet message is old. Labels that were compared with a later listing are newer than this
  // answer.
  const labelsAreNewer =
    row.readingHistoryId !== null && compareHistoryIds(fetched.historyId, row.readingHistoryId) < 0;
  // One of the two is wrong: the answer may belong to an abandoned attempt, or the listing may have lacked a label. One
  // more get decides.
  const isDisputed = labelsAreNewer && !sameLabelIds(row.labelIds, sortedLabelIds(fetched.labelIds));
  // A message's bytes never change, so a body with its attachments is never replaced by one without (which threads.get
  // brings).
  const holdsMore = complete && row.format === format && row.attachmentsHeld && fetched.attachments?.held === false;
  const completes = complete && row.format === format && !row.attachmentsHeld && fetched.attachments?.held === true;
  const isDecided = row.lane === null && (row.state === 'stored' || row.state === 'excluded');
  const internalDate = fetched.internalDate ?? row.internalDate;
  const isLeftOut = fetched.doubt !== undefined && (internalDate === null || fetched.sizeEstimate === 0);
  const again = !isLeftOut ? null : rules.now + (LEFT_OUT_AGAIN[isDecided ? row.attempts : 0] ?? RAREST);
  const read: MessageRow = {
    ...row,
    threadId: fetched.threadId,
    labelIds: labelsAreNewer ? row.labelIds : sortedLabelIds(fetched.labelIds),
    historyId: fetched.historyId,
    // Lowered when the labels are disputed: otherwise the deciding get would lose to the listing as well.
    readingHistoryId: isDisputed ? fetched.historyId : newest(row.readingHistoryId, fetched.historyId),
    internalDate,
    sizeEstimate: fetched.sizeEstimate,
    snippet: fetched.snippet,
    format: complete ? format : row.format,
    ...(complete && !holdsMore
      ? { attachments: fetched.attachments?.count ?? null, attachmentsHeld: fetched.attachments?.held ?? false }
      : {}),
    ...(complete ? { lacks: lacksAfter(row, fetched, standsIn, holdsMore) } : {}),
    refreshAt: isDisputed ? rules.now : again,
    // A row without a lane counts its refresh attempts here, and an answer that lacks nothing ends them.
    attempts:
      isDecided && again !== null ? row.attempts + 1 : row.refreshAt === null || row.lane !== null ? row.attempts : 0,
    // A newer answer undoes a tombstone; followScope decides the state below.
    state: row.state === 'gone' ? 'excluded' : row.state,
  };
  const seenBefore =
    row.format === read.format &&
    row.readingHistoryId !== null &&
    compareHistoryIds(fetched.historyId, row.readingHistoryId) <= 0;
  const bringsSome = (fetched.attachments?.brought ?? 0) > 0;
  // A body that holds some attachments is kept, unless this answer was merged with it (then it brings some, too).
  const holdsSome = row.lacks === 'attachments' && row.format === format;
  const writesBody =
    complete && fetched.body !== null && !holdsMore && (completes || bringsSome || !(seenBefore || holdsSome));
  const followed = followScope(read, rules);
  const stillWorks = followed.state === 'pending' || followed.state === 'failed';
  // This get succeeded: the attachments that the body lacks are due at once.
  if (complete && stillWorks)
    return {
      verdict: 'applied',
      row: { ...followed, state: 'pending', attempts: 0, lastError: null, nextAttemptAt: 0 },
      writesBody,
    };
  return { verdict: 'applied', row: followed, writesBody };
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
