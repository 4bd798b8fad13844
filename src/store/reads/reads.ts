import type { FetchingStore } from '../fetching/fetching-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import type { Bodies } from '../bodies/bodies.ts';
import { bodyLost } from '../fetching/lost-bodies.ts';
import type { LostBody } from '../../model/lost-body.ts';
import { fromHistoryIdText } from '../engines/history-id-text.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import type { StoredMessage, StreamOptions } from './mail-store.ts';
import { parseLabelIds, toFormat, toLacking } from '../rows/message-columns.ts';
import { storedDate, storedSize } from '../engines/safe-integer.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { findRow, nextStoredRows, readBody, type StoredRow } from '../rows/stored-rows.ts';

/** Rows a page. Bodies may be large (25 MB and more), so few are held at a time. */
const PAGE = 50;

/** See {@link FetchingStore.heldBody}. A lost body counts as not held. */
export async function heldBody(
  database: StoreDatabase,
  bodies: Bodies,
  request: RequestOf<FetchingStore, 'heldBody'>,
): Promise<Uint8Array | null> {
  const key = await mailboxKey(database, request.mailbox);
  const row = await findRow(database, key, request.messageId);
  const read = row === undefined ? null : await readBody(database, bodies, key, row);
  return read?.kind === 'read' ? read.body : null;
}

/**
 * See `MailStore.streamMessages`. In the order of ids, page by page: between two pages nothing is held open,
 * so a slow reader holds up neither a writer nor SQLite's checkpoints.
 */
export async function* streamMessages(
  database: StoreDatabase,
  bodies: Bodies,
  mailbox: MailboxId,
  { onLostBody = refuse(mailbox) }: StreamOptions = {},
): AsyncGenerator<StoredMessage, void, undefined> {
  const key = await mailboxKey(database, mailbox);
  for (let after = ''; ;) {
    const page = await nextStoredRows(database, key, after, PAGE);
    for await (const [row, read] of readAhead(page, (row) => readBody(database, bodies, key, row))) {
      if (read.kind === 'read') yield toStoredMessage(row, read.body);
      if (read.kind === 'lost')
        await onLostBody({
          messageId: row.id as MessageId,
          reason: read.reason,
          url: read.url,
          objectKey: read.objectKey,
        });
    }
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

const refuse =
  (mailbox: MailboxId) =>
  (lost: LostBody): Promise<void> =>
    Promise.reject(bodyLost(mailbox, lost));

/** Bodies outside the database that are read ahead, or in memory, at once. */
const AHEAD = 4;

/**
 * Yields the rows in order, each with its value. Some values are read ahead while the reader works on an earlier row.
 */
async function* readAhead<Row, Value>(
  rows: readonly Row[],
  read: (row: Row) => Promise<Value>,
): AsyncGenerator<readonly [Row, Value], void, undefined> {
  const running: Promise<Value>[] = [];
  for (const [index, row] of rows.entries()) {
    for (const next of rows.slice(index + running.length, index + AHEAD)) {
      const reading = read(next);
      // A failure is thrown when its row's turn comes. This prevents an unhandled rejection when the reader leaves
      // before that.
      reading.catch(() => undefined);
      running.push(reading);
    }
    const first = running.shift();
    if (first !== undefined) yield [row, await first];
  }
}

function toStoredMessage(row: StoredRow, body: Uint8Array | null): StoredMessage {
  return {
    id: row.id as MessageId,
    threadId: row.thread_id as ThreadId,
    labelIds: parseLabelIds(row.label_ids),
    historyId: fromHistoryIdText(row.history_id ?? '0'),
    internalDate: storedDate(row.internal_date),
    sizeEstimate: storedSize(row.size_estimate),
    snippet: row.snippet,
    format: toFormat(row.format) ?? 'minimal',
    lacks: toLacking(row.lacks),
    body,
  };
}
