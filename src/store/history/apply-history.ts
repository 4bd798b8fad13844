import { createHash } from 'node:crypto';
import type { HistoryOperation, HistoryRecord } from '../../model/change.ts';
import {
  compareHistoryIds,
  newerHistoryId,
  olderHistoryId,
  type HistoryId,
  type MailboxId,
  type MessageId,
} from '../../model/ids.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import { fromHistoryIdText, toHistoryIdText } from '../engines/history-id-text.ts';
import { applyOperation, asArrived, shownAgain } from '../rules/history-rules.ts';
import { rulesOf } from '../rows/mailbox-rows.ts';
import type { AppliedHistory } from './history-store.ts';
import type { SettleMark } from '../rows/mailbox-row.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import type { MessageRow } from '../rules/message-row.ts';
import { followLastPlace } from '../rows/scope-floor.ts';
import { loadRows, writeDifferences, type Difference } from '../rows/message-writer.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

const APPLIED_OPERATIONS = {
  table: 'applied_operations',
  columns: ['mailbox_key', 'record_id', 'message_id', 'operation'],
  key: ['mailbox_key', 'record_id', 'message_id', 'operation'],
  onConflict: 'ignore',
} as const;

/**
 * A longer name is replaced by its digest: names are part of a key, which has at most 2.7 KB in PostgreSQL, and a
 * hundred labels may be longer.
 */
const LONGEST_NAME = 1_000;

interface HistoryPageRequest {
  readonly mailbox: MailboxId;
  readonly generation: number;
  readonly records: readonly HistoryRecord[];
  readonly mark: HistoryId | null;
  readonly settle: readonly SettleMark[] | null;
  readonly settledBefore: HistoryId;
  readonly now: number;
}

/** See `HistoryStore.applyHistory`. */
export function applyHistory(database: StoreDatabase, request: HistoryPageRequest): Promise<AppliedHistory | null> {
  return withMailbox(database, request.mailbox, async (locked) => {
    if (request.generation !== locked.columns.generation || !isCovered(locked, request)) return null;
    const settled = newer(fromHistoryIdText(locked.columns.settled_history_id), request.settledBefore);
    const applied = await applyRecords(database, locked, request.records, settled, request.now);
    await forgetSettled(locked, settled);
    await moveMark(locked, request, settled);
    return applied;
  });
}

/**
 * Whether this read began at or before the oldest stored mark. A listing that ended meanwhile has reset the marks to
 * its own start, so that history is replayed from there. A read that began later must not move them forward over
 * records that were never applied to the listed rows.
 */
function isCovered({ columns }: MailboxTransaction, { settledBefore }: HistoryPageRequest): boolean {
  const mark = fromHistoryIdText(columns.history_id);
  if (mark === null) return true;
  const [oldest] = JSON.parse(columns.marks) as readonly SettleMark[];
  return compareHistoryIds(settledBefore, oldest === undefined ? mark : olderHistoryId(oldest.historyId, mark)) <= 0;
}

async function applyRecords(
  database: StoreDatabase,
  locked: MailboxTransaction,
  records: readonly HistoryRecord[],
  settled: HistoryId,
  now: number,
): Promise<AppliedHistory> {
  const counts = { added: 0, deleted: 0, relabelled: 0, late: 0 };
  if (records.every((record) => record.operations.length === 0)) return { ...counts, changed: false };
  const rules = rulesOf(locked.columns, now);
  const rows = await loadRows(
    locked,
    records.flatMap((record) => record.operations.map((operation) => operation.messageId)),
  );
  const earlier = await loadRemembered(locked, records, settled);
  const remembered = new Set(earlier);
  const passed = passedMark(locked, settled);
  const after = new Map<MessageId, MessageRow>();
  const fresh: string[][] = [];

  for (const record of records) {
    const isPassed = passed !== null && compareHistoryIds(record.id, passed) <= 0;
    for (const operation of record.operations) {
      const name = [toHistoryIdText(record.id), operation.messageId, operationName(operation)];
      const seen = isPassed || remembered.has(name.join(' '));
      const held = after.get(operation.messageId) ?? rows.get(operation.messageId) ?? null;
      const isShownAgain = held !== null && earlier.has(name.join(' '));
      const shown = isShownAgain ? shownAgain(held, operation, record.id, now) : held;
      const row =
        seen || shown === null
          ? shown
          : asArrived(shown, operation, { rules, listed: locked.columns.listed_generation });
      // An operation that came before its message was known had no effect, so this row has yet to receive it.
      const known =
        isPassed ||
        (seen && row !== null && row.historyId !== null && compareHistoryIds(record.id, row.historyId) <= 0);
      const outcome = applyOperation(row, operation, record.id, known, rules);
      if (outcome.row !== null && outcome.row !== held) after.set(operation.messageId, outcome.row);
      if (outcome.effect !== 'none') counts[outcome.effect] += 1;
      if (seen) continue;
      fresh.push(name);
      remembered.add(name.join(' '));
    }
  }

  const differences: Difference[] = [...after.values()].map((row) => ({
    before: rows.get(row.id) ?? null,
    after: row,
  }));
  await writeDifferences(locked, differences, now);
  await followLastPlace(database, locked, differences, now);
  const settledText = toHistoryIdText(settled);
  await bulkInsert(
    locked.tx,
    APPLIED_OPERATIONS,
    fresh.filter(([recordId = '']) => recordId > settledText).map((name) => [locked.key, ...name]),
  );
  return { ...counts, changed: fresh.length > 0 };
}

/** Records up to this id were applied and are complete: they are below the mark, and they have settled. */
function passedMark({ columns }: MailboxTransaction, settled: HistoryId): HistoryId | null {
  const mark = fromHistoryIdText(columns.history_id);
  const before = fromHistoryIdText(columns.settled_history_id);
  return mark === null || before === null ? null : olderHistoryId(mark, olderHistoryId(before, settled));
}

function operationName(operation: HistoryOperation): string {
  if (operation.kind === 'added' || operation.kind === 'deleted') return operation.kind;
  const name = [operation.kind, ...operation.labelIds.toSorted()].join(' ');
  return name.length <= LONGEST_NAME ? name : `${operation.kind} ${createHash('sha256').update(name).digest('hex')}`;
}

async function loadRemembered(
  { tx, key }: MailboxTransaction,
  records: readonly HistoryRecord[],
  settled: HistoryId,
): Promise<ReadonlySet<string>> {
  const ids = records.map((record) => toHistoryIdText(record.id)).toSorted();
  const rows = await tx
    .selectFrom('applied_operations')
    .select(['record_id', 'message_id', 'operation'])
    .where('mailbox_key', '=', key)
    .where('record_id', '>', toHistoryIdText(settled))
    .where('record_id', '>=', ids.at(0) ?? '')
    .where('record_id', '<=', ids.at(-1) ?? '')
    .execute();
  return new Set(rows.map((row) => `${row.record_id} ${row.message_id} ${row.operation}`));
}

async function forgetSettled({ tx, key, columns }: MailboxTransaction, settled: HistoryId): Promise<void> {
  const text = toHistoryIdText(settled);
  if (text === columns.settled_history_id) return;
  await tx.deleteFrom('applied_operations').where('mailbox_key', '=', key).where('record_id', '<=', text).execute();
}

/**
 * Moves the mark in the transaction that applied the changes up to it. The mark never moves back. Before the first
 * listing has ended there is no mark, since the store does not hold everything up to any point.
 */
async function moveMark(locked: MailboxTransaction, request: HistoryPageRequest, settled: HistoryId): Promise<void> {
  const { columns } = locked;
  const stored = fromHistoryIdText(columns.history_id);
  const mark = stored === null || request.mark === null ? stored : newerHistoryId(stored, request.mark);
  const isHead = stored !== null && request.mark !== null && request.settle !== null;
  const values = {
    history_id: toHistoryIdText(mark),
    marks: request.settle === null ? columns.marks : JSON.stringify(request.settle),
    settled_history_id: toHistoryIdText(settled),
    synced_at: isHead ? request.now : columns.synced_at,
  };
  const same =
    values.history_id === columns.history_id &&
    values.marks === columns.marks &&
    values.settled_history_id === columns.settled_history_id &&
    values.synced_at === columns.synced_at;
  if (!same) await locked.updateMailbox(values);
}

function newer(a: HistoryId | null, b: HistoryId): HistoryId {
  return a === null ? b : newerHistoryId(a, b);
}
