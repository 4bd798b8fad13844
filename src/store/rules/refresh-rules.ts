import type { FetchedMessage } from '../../model/change.ts';
import { compareHistoryIds, type HistoryId } from '../../model/ids.ts';
import type { Lane } from '../../model/lane.ts';
import { isCurrent, isDecided, type MessageRow } from './message-row.ts';
import { followScope, labelsExclude, type RowRules } from './row-scope.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/**
 * Delays after which one MINIMAL get asks again for a date or a size that was left out because its value was
 * impossible.
 */
const LEFT_OUT_AGAIN = [10 * MINUTE, 6 * HOUR, 3 * DAY, 14 * DAY];
const RAREST = 30 * DAY;

/** How long a message whose labels could not be read waits for the next get (ms). */
export const FIRST_REFRESH_DELAY = 3_000;

type Refresh = Pick<MessageRow, 'refreshAt'>;

/** Whether the row's labels wait to be read again. A refresh that is due later waits for another value. */
export const waitsForLabels = ({ refreshAt }: Refresh, { now }: { readonly now: number }): boolean =>
  refreshAt !== null && refreshAt <= now + HOUR;

/**
 * Lets the scope decide over a decided row ({@link followScope}). While the row's labels wait to be read again, the
 * held ones decide nothing.
 */
export function followKnownScope(row: MessageRow, rules: RowRules, lane: Lane = 'live'): MessageRow {
  return isDecided(row) && !waitsForLabels(row, rules) ? followScope(row, rules, lane) : row;
}

/**
 * Whether a listing of the scope shows a message that its labels put out of it, although they are no newer than `mark`.
 * The labels come from records of history, and the record that brought the message back may be older than the mark, so
 * that no sync reads it. Labels that a get has read since are left alone.
 */
export function isContradicted(row: MessageRow, mark: HistoryId, rules: RowRules): boolean {
  const { state, historyId, labelIds } = row;
  if (state !== 'excluded' || historyId === null || compareHistoryIds(historyId, mark) > 0) return false;
  return !isCurrent(row) && labelsExclude(labelIds, rules);
}

/**
 * Schedules another read of the labels at once, even if a later refresh was scheduled for another reason.
 *
 * A refresh that is due already moves by a millisecond. An early reading waits for one certain time
 * (`earlyReadingsDue`), and what settles it must not end a wait that has a second reason.
 */
export function readLabelsAgain<Row extends Refresh>(row: Row, now: number): Row {
  return { ...row, refreshAt: row.refreshAt === null || row.refreshAt > now ? now : row.refreshAt - 1 };
}

/**
 * The labels are known, so no get needs to read them. A row without a date or a size keeps its refresh: it may wait for
 * that value, which no listing and no record of history brings. A row that is still to be fetched keeps it, too.
 */
export function withKnownLabels(row: MessageRow, rules: { readonly now: number }): MessageRow {
  return waitsForLabels(row, rules) && isDecided(row) && !lacksValue(row)
    ? { ...row, refreshAt: null }
    : readFromNow(row, rules);
}

/**
 * A refresh is due from now on at the earliest. Otherwise a get that was asked for before a listing was compared would
 * decide over what the listing showed.
 */
export const readFromNow = (row: MessageRow, { now }: { readonly now: number }): MessageRow =>
  row.refreshAt !== null && row.refreshAt < now ? { ...row, refreshAt: now } : row;

type DateAndSize = Pick<MessageRow, 'internalDate' | 'sizeEstimate'>;

const lacksValue = ({ internalDate, sizeEstimate }: DateAndSize): boolean =>
  internalDate === null || sizeEstimate === 0;

/**
 * What an answer means for the labels that the row then has: `known`, `in question` because the answer contradicts a
 * listing that is newer, or `still in question` because the answer was asked for too early to decide.
 */
export type LabelsAfter = 'known' | 'in question' | 'still in question';

/** A message's date and size never change, so an answer without a possible one leaves the held one as it is. */
export const valuesAfter = (row: MessageRow, { internalDate, sizeEstimate, leftOut }: FetchedMessage): DateAndSize => ({
  internalDate: internalDate ?? row.internalDate,
  sizeEstimate: leftOut !== undefined && sizeEstimate === 0 ? row.sizeEstimate : sizeEstimate,
});

/** When the message is read again although it is stored: its labels are in question, or a value was left out. */
export function refreshAfter(
  row: MessageRow,
  fetched: FetchedMessage,
  labels: LabelsAfter,
  now: number,
): Pick<MessageRow, 'refreshAt' | 'attempts'> {
  if (labels === 'still in question') return { refreshAt: row.refreshAt, attempts: row.attempts };
  const isDisputed = labels === 'in question';
  const hasNoWork = row.lane === null && isDecided(row);
  const isLeftOut = fetched.leftOut !== undefined && lacksValue(valuesAfter(row, fetched));
  // Before its first answer, a row counts gets that failed, which do not make the asking for a value rarer.
  const wasLeftOut = hasNoWork && row.readingHistoryId !== null && lacksValue(row);
  // A get for another purpose, made before the refresh is due, does not make the next refresh rarer.
  if (isLeftOut && !isDisputed && wasLeftOut && row.refreshAt !== null && row.refreshAt > now)
    return { refreshAt: row.refreshAt, attempts: row.attempts };
  const leftOutBefore = wasLeftOut ? row.attempts : 0;
  const again = !isLeftOut ? null : now + (LEFT_OUT_AGAIN[leftOutBefore] ?? RAREST);
  // A row without a lane counts its refresh attempts here, and an answer that lacks nothing ends them.
  const countsRefreshes = row.refreshAt !== null && row.lane === null;
  return {
    refreshAt: isDisputed ? now : again,
    attempts: hasNoWork && again !== null ? leftOutBefore + 1 : countsRefreshes ? 0 : row.attempts,
  };
}
