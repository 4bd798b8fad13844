import type { HistoryId, LabelId, MessageId } from '../../model/ids.ts';
import type { KeptBody } from '../bodies/bodies.ts';
import { nameObjects, unnameObjects, type HeldObject } from '../bodies/body-objects.ts';
import { bulkInsert, type ColumnValue } from '../engines/bulk-insert.ts';
import { announce, changeBetween, type ChangeEntry } from '../rules/change-entry.ts';
import { toHistoryIdText } from '../engines/history-id-text.ts';
import type { MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { MESSAGE_HEADERS, toHeaderValues } from './header-columns.ts';
import { fromColumns, MESSAGE_COLUMNS, toColumnValues } from './message-columns.ts';
import type { MessageHeaders } from '../rules/message-headers.ts';
import type { MessageRow } from '../rules/message-row.ts';
import { noteUnnamedLabels } from './unnamed-labels.ts';

const MESSAGES = {
  table: 'messages',
  columns: MESSAGE_COLUMNS,
  key: ['mailbox_key', 'id'],
  onConflict: 'update',
} as const;
const BODIES = {
  table: 'bodies',
  columns: ['mailbox_key', 'message_id', 'encoding', 'body'],
  key: ['mailbox_key', 'message_id'],
  onConflict: 'update',
} as const;

/** The change that a transaction makes to one message. */
export interface Difference {
  readonly before: MessageRow | null;
  readonly after: MessageRow;
  /** A body to write or to name. Without it, the held body stays. */
  readonly body?: KeptBody;
  /** The headers that were read from that body. */
  readonly headers?: MessageHeaders;
}

/** The rows of those of the given messages that the store knows. */
export async function loadRows(
  { tx, dialect, key }: Pick<MailboxTransaction, 'tx' | 'dialect' | 'key'>,
  ids: Iterable<MessageId>,
): Promise<Map<MessageId, MessageRow>> {
  const rows = await tx
    .selectFrom('messages')
    .selectAll()
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOf('id', [...new Set(ids)]))
    .execute();
  return new Map(rows.map((columns) => [columns.id as MessageId, fromColumns(columns)]));
}

/**
 * Writes rows that differ, their bodies and headers, and the entries of the change feed that report the differences,
 * all in the same transaction. Rows that do not differ are not written.
 */
export async function writeDifferences(
  locked: MailboxTransaction,
  differences: Iterable<Difference>,
  now: number,
): Promise<void> {
  const rows: ColumnValue[][] = [];
  const bodies: ColumnValue[][] = [];
  const described: ColumnValue[][] = [];
  const outside: { messageId: MessageId; encoding: string; object: HeldObject }[] = [];
  const bodiless: MessageId[] = [];
  const entries: ColumnValue[][] = [];
  const added = new Set<LabelId>();
  for (const { before, after, body, headers } of differences) {
    if (body?.kind === 'inside') bodies.push([locked.key, after.id, body.encoding, body.bytes]);
    if (body?.kind === 'outside') outside.push({ messageId: after.id, encoding: body.encoding, object: body.object });
    if (headers !== undefined) described.push(toHeaderValues(locked.key, after.id, headers));
    const held = before !== null && before.format !== null;
    if (held && (after.format === null || body !== undefined)) bodiless.push(after.id);
    if (after === before) continue;
    for (const id of after.labelIds) if (before?.labelIds.includes(id) !== true) added.add(id);
    const change = changeBetween(before, after);
    const row = announce(before, after, change);
    const values = toColumnValues(locked.key, row);
    if (before === null || differ(values, toColumnValues(locked.key, before))) rows.push(values);
    if (change !== null) entries.push(entryValues(change, row, now));
  }
  await noteUnnamedLabels(locked, added, now);
  await bulkInsert(locked.tx, MESSAGES, rows);
  // Deleted first: an earlier body may be on the other side, inside or outside the database.
  await deleteBodies(locked, bodiless, now);
  await bulkInsert(locked.tx, BODIES, bodies);
  await bulkInsert(locked.tx, MESSAGE_HEADERS, described);
  await nameObjects(locked, outside);
  await locked.appendChanges(entries);
}

/** Deletes bodies, and what was read from them. */
async function deleteBodies(locked: MailboxTransaction, ids: readonly MessageId[], now: number): Promise<void> {
  if (ids.length === 0) return;
  const { tx, dialect, key } = locked;
  await unnameObjects(locked, ids, now);
  for (const table of ['bodies', 'message_headers'] as const)
    await tx.deleteFrom(table).where('mailbox_key', '=', key).where(dialect.isOneOf('message_id', ids)).execute();
}

/** Removes rows, with what belongs to them: the messages are unknown again. */
export async function removeRows(locked: MailboxTransaction, ids: readonly MessageId[], now: number): Promise<void> {
  if (ids.length === 0) return;
  const { tx, dialect, key } = locked;
  await deleteBodies(locked, ids, now);
  await tx.deleteFrom('messages').where('mailbox_key', '=', key).where(dialect.isOneOf('id', ids)).execute();
}

function differ(a: readonly ColumnValue[], b: readonly ColumnValue[]): boolean {
  return a.some((value, index) => value !== b[index]);
}

/** The columns of a change, after `sequence`. */
function entryValues(entry: ChangeEntry, row: MessageRow, now: number): ColumnValue[] {
  return [
    entry.kind,
    row.id,
    row.threadId,
    JSON.stringify(row.labelIds),
    newestHistoryIdText(row),
    now,
    JSON.stringify(entry.added),
    JSON.stringify(entry.removed),
    entry.kind === 'gone' ? entry.why : null,
  ];
}

/** An announced message was read or listed, so its row has at least one of the two ids. */
function newestHistoryIdText(row: MessageRow): string {
  const texts = [row.historyId, row.readingHistoryId]
    .filter((id): id is HistoryId => id !== null)
    .map((id) => toHistoryIdText(id));
  return texts.toSorted().at(-1) ?? toHistoryIdText('0' as HistoryId);
}
