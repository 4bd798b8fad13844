import type { GmailSession, HistoryPage } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import type { HistoryRecord } from '../model/change.ts';
import { compareHistoryIds, type HistoryId } from '../model/ids.ts';
import type { EarlyReading } from '../store/history/history-store.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { historyPageAfter } from './history-page-after.ts';

/** So many readings are settled at once; more of them are read again one by one. */
const MOST_READINGS = 5_000;
/** Pages of history, 2 units each. What lies beyond is read again. */
const MOST_PAGES = 50;
/** A mailbox that has so many changes after a mark was not made by them in the half minute before its first full sync. */
const SURELY_OLD = 20;

/**
 * A get of the first seconds of a first full sync may have been answered by a replica that lagged behind the pinned head, and history is read from that
 * head only. So the store has such messages read again, and this spares them the get: history from before the head tells of each change that a
 * replica had not seen. What a reading missed is newer than the reading's own history id, so from the oldest of those ids nothing is missed. Where Gmail no longer
 * keeps history back to it, the oldest id that works covers the readings from there on, and all of them when enough has changed since.
 * Costs 2 units per 500 records. An attempt that dies leaves the messages to be read again.
 */
export async function settleEarlyReadings(deps: ActivityDependencies, session: GmailSession, row: MailboxRow, run: ActivityRun): Promise<void> {
  const { store, clock } = deps;
  const { id: mailbox, fullSync } = row;
  if (fullSync === null) return;
  const readings = await store.listEarlyReadings({ mailbox, now: clock.now(), limit: MOST_READINGS });
  if (readings.length === 0) return;
  const starts = [...new Set(readings.map(({ historyId }) => historyId))].toSorted(compareHistoryIds);
  const oldest = await oldestReadable(session, starts, run.signal);
  if (oldest === null) return;
  const records = await recordsUpTo(session, oldest, fullSync.startHistoryId, run.signal);
  if (records === null) return;
  const coversAll = oldest.index === 0 || starts.length - oldest.index > SURELY_OLD;
  const settled = readings.filter(({ historyId }) => coversAll || compareHistoryIds(historyId, oldest.start) >= 0);
  await store.settleEarlyReadings({ mailbox, records: about(records, readings), settled: settled.map(({ id }) => id), now: clock.now() });
}

interface Readable {
  readonly index: number;
  readonly start: HistoryId;
  readonly page: HistoryPage;
}

/** What Gmail keeps of history begins somewhere: a binary search over the ids finds the oldest one from which it answers. */
async function oldestReadable(session: GmailSession, starts: readonly HistoryId[], signal: AbortSignal): Promise<Readable | null> {
  let found: Readable | null = null;
  for (let low = 0, high = starts.length, index = 0; low < high; index = Math.floor((low + high) / 2)) {
    const start = starts[index];
    if (start === undefined) return found;
    const page = await pageFrom(session, start, signal);
    if (page === null) {
      low = index + 1;
      continue;
    }
    found = { index, start, page };
    high = index;
  }
  return found;
}

async function pageFrom(session: GmailSession, startHistoryId: HistoryId, signal: AbortSignal): Promise<HistoryPage | null> {
  try {
    return await session.listHistory({ startHistoryId, pageToken: null }, signal);
  } catch (error) {
    if (error instanceof GmailError && error.failure.kind === 'history-expired') return null;
    throw error;
  }
}

/** null when there are too many. */
async function recordsUpTo(session: GmailSession, { start, page: first }: Readable, until: HistoryId, signal: AbortSignal): Promise<readonly HistoryRecord[] | null> {
  const records: HistoryRecord[] = [];
  let page = first;
  for (let pages = 1; ; pages++) {
    const upTo = page.records.filter(({ id }) => compareHistoryIds(id, until) <= 0);
    records.push(...upTo);
    if (page.nextPageToken === null || upTo.length < page.records.length) return records;
    if (pages === MOST_PAGES) return null;
    page = await historyPageAfter(session, { startHistoryId: start, pageToken: page.nextPageToken }, signal);
  }
}

function about(records: readonly HistoryRecord[], readings: readonly EarlyReading[]): readonly HistoryRecord[] {
  const ids = new Set(readings.map(({ id }) => id));
  return records.map(({ id, operations }) => ({ id, operations: operations.filter(({ messageId }) => ids.has(messageId)) })).filter(({ operations }) => operations.length > 0);
}
