import type { HistoryStore } from './history-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import { compareHistoryIds, type MessageId } from '../../model/ids.ts';
import { applyOperation } from '../rules/history-rules.ts';
import { mailboxKey, parseFullSync, rulesOf } from '../rows/mailbox-rows.ts';
import type { EarlyReading } from './history-store.ts';
import { earlyReadingsDue } from '../rows/early-due.ts';
import type { FullSyncProgress } from '../rows/mailbox-row.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import { fromHistoryIdText } from '../engines/history-id-text.ts';
import { isDecided, type MessageRow } from '../rules/message-row.ts';
import { loadRows, writeDifferences, type Difference } from '../rows/message-writer.ts';
import { followScope, type RowRules } from '../rules/row-scope.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/**
 * Replicas agree within seconds: a get that is made later than this (ms) after the head was pinned shows everything up
 * to the head.
 */
const EARLY = 10_000;

/**
 * Schedules a row to be read again if the get answered at `readAt` may have come from a replica that was behind the
 * mark. An answer newer than the mark did not come from such a replica, and what it missed is in the history from the
 * mark.
 *
 * A row that waits for its attachments is scheduled, too: if Gmail no longer gives them, this get is the row's last.
 */
export function withEarlyReading(row: MessageRow, progress: FullSyncProgress | null, readAt: number): MessageRow {
  if (progress === null || progress.reconciling || readAt >= progress.startedAt + EARLY) return row;
  if (row.refreshAt !== null) return row;
  const due = earlyReadingsDue(progress);
  const isNewer = row.historyId !== null && compareHistoryIds(row.historyId, progress.startHistoryId) > 0;
  return isNewer || due === null ? row : { ...row, refreshAt: due };
}

/** See {@link HistoryStore.listEarlyReadings}. */
export async function listEarlyReadings(
  database: StoreDatabase,
  { mailbox, now, limit }: RequestOf<HistoryStore, 'listEarlyReadings'>,
): Promise<readonly EarlyReading[]> {
  const key = await mailboxKey(database, mailbox);
  const due = await database.read(async (db) => {
    const columns = await db.selectFrom('mailboxes').selectAll().where('key', '=', key).executeTakeFirst();
    const progress = columns === undefined ? null : parseFullSync(columns);
    return progress === null ? null : earlyReadingsDue(progress);
  });
  if (due === null || due > now) return [];
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select(['id', 'reading_history_id'])
      .where('mailbox_key', '=', key)
      .where('refresh_at', '=', due)
      .where('reading_history_id', 'is not', null)
      .orderBy('id')
      .limit(limit)
      .execute(),
  );
  // Not the row's `history_id`: later records may have raised it, and what the get missed is older than they are.
  return rows.map((row) => ({ id: row.id as MessageId, historyId: fromHistoryIdText(row.reading_history_id ?? '0') }));
}

/**
 * See {@link HistoryStore.settleEarlyReadings}. The records are older than the mark and newer than the get, so no
 * replay has brought them. Applying them twice does nothing: the row's history id has moved past them, and one get
 * decides anything still open.
 */
export function settleEarlyReadings(
  database: StoreDatabase,
  { mailbox, records, settled, now }: RequestOf<HistoryStore, 'settleEarlyReadings'>,
): Promise<void> {
  return withMailbox(database, mailbox, async (locked) => {
    const rules = rulesOf(locked.columns, now);
    const rows = await loadRows(locked, [
      ...settled,
      ...records.flatMap(({ operations }) => operations.map(({ messageId }) => messageId)),
    ]);
    const progress = parseFullSync(locked.columns);
    const due = progress === null ? null : earlyReadingsDue(progress);
    const after = new Map<MessageId, MessageRow>();
    for (const id of settled) {
      const row = rows.get(id);
      // A row that was read meanwhile may wait for something else.
      if (row !== undefined && row.refreshAt === due) after.set(id, { ...row, refreshAt: null });
    }
    for (const { id: recordId, operations } of records) {
      for (const operation of operations) {
        const row = after.get(operation.messageId) ?? rows.get(operation.messageId);
        if (row === undefined) continue;
        const { row: applied } = applyOperation(row, operation, recordId, false, rules);
        if (applied !== null && applied !== row) after.set(row.id, applied);
      }
    }
    const differences: Difference[] = [...after.values()].map((row) => ({
      before: rows.get(row.id) ?? null,
      after: followScopeAgain(row, rules),
    }));
    await writeDifferences(locked, differences, now);
  });
}

/**
 * A row that waits to be read again keeps its state whatever its labels. Once it no longer waits, the scope decides
 * again.
 */
const followScopeAgain = (row: MessageRow, rules: RowRules): MessageRow =>
  row.refreshAt === null && isDecided(row) ? followScope(row, rules) : row;
