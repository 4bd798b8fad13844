import type { Lacking, FetchedMessage } from '../../model/change.ts';
import { compareHistoryIds, newerHistoryId, type HistoryId } from '../../model/ids.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { newRow, sameLabelIds, sortedLabelIds, type MessageRow } from './message-row.ts';
import { followScope, type RowRules } from './row-scope.ts';

export type FetchedOutcome =
  | { readonly verdict: 'applied'; readonly row: MessageRow; readonly writesBody: boolean }
  /** From a replica that had not seen what the row has: to be fetched again. */
  | { readonly verdict: 'stale' }
  /** The message was deleted after this fetched. */
  | { readonly verdict: 'buried' };

/** What one fetched does to the row it concerns; the rules are those of `FetchingStore.saveFetched`. */
export function applyFetchedMessage(before: MessageRow | null, fetched: FetchedMessage, format: MessageFormat, rules: RowRules): FetchedOutcome {
  if (before !== null && before.state === 'gone') {
    const buriedAt = newest(before.historyId, before.readingHistoryId);
    if (buriedAt !== null && compareHistoryIds(fetched.historyId, buriedAt) <= 0) return { verdict: 'buried' };
  } else if (before !== null && before.historyId !== null && compareHistoryIds(fetched.historyId, before.historyId) < 0) {
    return { verdict: 'stale' };
  }

  const row = before ?? newRow(fetched.id, fetched.threadId, 'live', rules.now);
  // A fetched in another format than the settings' (they changed during the fetch, or it is a refresh) brings labels only.
  // FULL stands in for a raw that Gmail does not give, not for one that is held.
  const standsIn = fetched.lacks === 'raw' && format === 'full' && rules.format === 'raw' && row.format !== 'raw';
  const complete = (format === rules.format || standsIn) && (fetched.body !== null || format === 'minimal');
  // Gmail's historyId of a quiet message is old. When the row's labels were compared with listings made later than that, they are newer.
  const labelsAreNewer = row.readingHistoryId !== null && compareHistoryIds(fetched.historyId, row.readingHistoryId) < 0;
  // One of the two is wrong: the fetched may come from an attempt that was given up, or the listing lacked a label. A get that is made now tells.
  const isDisputed = labelsAreNewer && !sameLabelIds(row.labelIds, sortedLabelIds(fetched.labelIds));
  // A message's bytes never change: a body that holds its attachments is not replaced by one that lacks them (a thread brought it).
  const holdsMore = complete && row.format === format && row.attachmentsHeld && fetched.attachments?.held === false;
  const completes = complete && row.format === format && !row.attachmentsHeld && fetched.attachments?.held === true;
  const read: MessageRow = {
    ...row,
    threadId: fetched.threadId,
    labelIds: labelsAreNewer ? row.labelIds : sortedLabelIds(fetched.labelIds),
    historyId: fetched.historyId,
    // Withdrawn where it is disputed, or the get that tells would lose against it, too.
    readingHistoryId: isDisputed ? fetched.historyId : newest(row.readingHistoryId, fetched.historyId),
    internalDate: fetched.internalDate ?? row.internalDate,
    sizeEstimate: fetched.sizeEstimate,
    snippet: fetched.snippet,
    format: complete ? format : row.format,
    ...(complete && !holdsMore ? { attachments: fetched.attachments?.count ?? null, attachmentsHeld: fetched.attachments?.held ?? false } : {}),
    ...(complete ? { lacks: lacksAfter(row, fetched, standsIn, holdsMore) } : {}),
    refreshAt: isDisputed ? rules.now : null,
    // A settled row counts its attempts at a refresh here.
    attempts: row.refreshAt === null || row.lane !== null ? row.attempts : 0,
    // A tombstone that a newer fetched undoes is settled anew below.
    state: row.state === 'gone' ? 'excluded' : row.state,
  };
  const seenBefore = row.format === read.format && row.readingHistoryId !== null && compareHistoryIds(fetched.historyId, row.readingHistoryId) <= 0;
  const bringsSome = (fetched.attachments?.brought ?? 0) > 0;
  // So does one that holds some of them: only a fetched that brings some, too, was put together with what is held.
  const holdsSome = row.lacks === 'attachments' && row.format === format;
  const writesBody = complete && fetched.body !== null && !holdsMore && (completes || bringsSome || !(seenBefore || holdsSome));
  const followed = followScope(read, rules);
  const stillWorks = followed.state === 'pending' || followed.state === 'failed';
  // What was read was no failure: the attachments that it lacks are the next thing to fetch, at once.
  if (complete && stillWorks) return { verdict: 'applied', row: { ...followed, state: 'pending', attempts: 0, lastError: null, nextAttemptAt: 0 }, writesBody };
  return { verdict: 'applied', row: followed, writesBody };
}

/** What Gmail did not give stays lacking until a fetched brings it. */
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
