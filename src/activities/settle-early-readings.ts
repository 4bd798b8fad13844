import type { GmailSession, HistoryPage } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import type { HistoryRecord } from '../model/change.ts';
import { compareHistoryIds, type HistoryId, type MessageId } from '../model/ids.ts';
import type { HistoryStore, EarlyReading } from '../store/history/history-store.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { historyPageAfter } from './history-page-after.ts';

/** No quota lets more messages be read in the first seconds. Any more would be read again one by one. */
const MOST_READINGS = 50_000;
/** How many messages one transaction settles. */
const SETTLED_AT_A_TIME = 5_000;
/** A page of history costs 2 units, a get at least 5. With more pages per message than this, new gets cost less. */
const PAGES_PER_READING = 2;
/**
 * If more messages than this have changed since a history id, that id is older than the half minute before the first
 * full sync.
 */
const SURELY_OLD = 20;

/**
 * Settles by history what gets in the first seconds of a first full sync may have missed.
 *
 * Such a get may have been answered by a replica that lagged behind the pinned head, while history is read only from
 * that head. So the store schedules these messages to be read again. The history before the head makes those gets
 * unnecessary: whatever a replica had missed is newer than the answer's own history id, so history from the oldest of
 * those ids contains it. If Gmail's history no longer reaches back that far, the oldest id that works covers the
 * answers from that id on, and all answers if enough has changed since.
 *
 * Costs 2 units per 500 records. After a failed attempt the messages that are left are read again as scheduled.
 */
export async function settleEarlyReadings(
  deps: ActivityDependencies<HistoryStore>,
  session: GmailSession,
  row: MailboxRow,
  run: ActivityRun,
): Promise<void> {
  const { store, clock } = deps;
  const { id: mailbox, fullSync } = row;
  if (fullSync === null) return;
  const readings = await store.listEarlyReadings({ mailbox, now: clock.now(), limit: MOST_READINGS });
  if (readings.length === 0) return;
  const starts = [...new Set(readings.map(({ historyId }) => historyId))].toSorted(compareHistoryIds);
  const oldest = await oldestReadable(session, starts, run.signal);
  if (oldest === null) return;
  const records = await recordsAbout(session, readings, { ...oldest, until: fullSync.startHistoryId }, run.signal);
  if (records === null) return;
  const coversAll = oldest.index === 0 || starts.length - oldest.index > SURELY_OLD;
  for (let from = 0; from < readings.length; from += SETTLED_AT_A_TIME) {
    const some = readings.slice(from, from + SETTLED_AT_A_TIME);
    const settled = some.filter(({ historyId }) => coversAll || compareHistoryIds(historyId, oldest.start) >= 0);
    await store.settleEarlyReadings({
      mailbox,
      records: about(records, idsOf(some)),
      settled: settled.map(({ id }) => id),
      now: clock.now(),
    });
  }
}

interface Readable {
  readonly index: number;
  readonly start: HistoryId;
  readonly page: HistoryPage;
}

/**
 * Gmail keeps history back to some point. A binary search over the ids finds the oldest one from which it still
 * answers.
 */
async function oldestReadable(
  session: GmailSession,
  starts: readonly HistoryId[],
  signal: AbortSignal,
): Promise<Readable | null> {
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

async function pageFrom(
  session: GmailSession,
  startHistoryId: HistoryId,
  signal: AbortSignal,
): Promise<HistoryPage | null> {
  try {
    return await session.listHistory({ startHistoryId, pageToken: null }, signal);
  } catch (error) {
    if (error instanceof GmailError && error.failure.kind === 'history-expired') return null;
    throw error;
  }
}

/** The records up to `until` that concern the readings; null when reading the messages again costs less. */
async function recordsAbout(
  session: GmailSession,
  readings: readonly EarlyReading[],
  { start, page: first, until }: Readable & { readonly until: HistoryId },
  signal: AbortSignal,
): Promise<readonly HistoryRecord[] | null> {
  const ids = idsOf(readings);
  const mostPages = PAGES_PER_READING * ids.size;
  const records: HistoryRecord[] = [];
  let page = first;
  for (let pages = 1; ; pages++) {
    const upTo = page.records.filter(({ id }) => compareHistoryIds(id, until) <= 0);
    records.push(...about(upTo, ids));
    if (page.nextPageToken === null || upTo.length < page.records.length) return records;
    if (pages >= mostPages) return null;
    page = await historyPageAfter(session, { startHistoryId: start, pageToken: page.nextPageToken }, signal);
  }
}

const idsOf = (readings: readonly EarlyReading[]): ReadonlySet<MessageId> => new Set(readings.map(({ id }) => id));

function about(records: readonly HistoryRecord[], ids: ReadonlySet<MessageId>): readonly HistoryRecord[] {
  return records
    .map(({ id, operations }) => ({ id, operations: operations.filter(({ messageId }) => ids.has(messageId)) }))
    .filter(({ operations }) => operations.length > 0);
}
