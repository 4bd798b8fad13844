import { sql } from 'kysely';
import type { MailboxId, MessageId } from '../../model/ids.ts';
import type { Bodies } from '../bodies/bodies.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { StoreError } from '../engines/store-error.ts';
import { MESSAGE_HEADERS, toHeaderValues } from '../rows/header-columns.ts';
import { toFormat } from '../rows/message-columns.ts';
import { findRow, readBody } from '../rows/stored-rows.ts';
import type { MessageHeaders } from '../rules/message-headers.ts';
import { describeBody } from './describe-body.ts';

/** Messages that are described in one transaction. Their bodies are read one after the other. */
const AT_A_TIME = 100;
/**
 * The most messages of one call, which so ends within about a minute and does not hold up the worker's other
 * housekeeping.
 */
const MOST = 50_000;

export interface StoredMailDescriber {
  /**
   * Stores the headers of messages that an earlier version stored without them, some in each transaction. A killed call
   * has done part of the work, and the next call does the rest.
   *
   * @returns how many messages were described
   * @throws {StoreError} `unavailable` when the place of some bodies cannot be read. All other messages are described
   */
  describeStored(request?: { signal?: AbortSignal }): Promise<number>;
}

interface Undescribed {
  readonly mailbox: MailboxId;
  readonly key: number;
  readonly id: MessageId;
}

/** See {@link StoredMailDescriber.describeStored}. */
export async function describeStored(
  database: StoreDatabase,
  bodies: Bodies,
  { signal }: { signal?: AbortSignal } = {},
): Promise<number> {
  let described = 0;
  let unavailable: StoreError | null = null;
  let after: Undescribed | null = null;
  while (described < MOST && signal?.aborted !== true) {
    const batch: readonly Undescribed[] = await nextUndescribed(database, after);
    const [first] = batch;
    if (first === undefined) break;
    const headers = new Map<MessageId, MessageHeaders | null>();
    const ofFirst = batch.filter(({ key }) => key === first.key);
    for (const { key, id } of ofFirst) {
      try {
        headers.set(id, await headersOf(database, bodies, key, id));
      } catch (error) {
        if (!(error instanceof StoreError) || error.failure.kind !== 'unavailable') throw error;
        unavailable ??= error;
      }
    }
    described += await saveHeaders(database, first.mailbox, headers);
    after = ofFirst.at(-1) ?? null;
    await database.breathe();
  }
  if (unavailable !== null) throw unavailable;
  return described;
}

/** The next messages that are not described, in the order of their index. */
async function nextUndescribed(database: StoreDatabase, after: Undescribed | null): Promise<readonly Undescribed[]> {
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .innerJoin('mailboxes', 'mailboxes.key', 'messages.mailbox_key')
      .select(['mailboxes.id as mailbox', 'messages.mailbox_key as key', 'messages.id'])
      // A literal: with a parameter, the index that holds only these rows would not be used.
      .where('messages.described', '=', sql.lit(0))
      .where('messages.format', 'is not', null)
      .where('mailboxes.id', 'like', READABLE_ID)
      .$if(after !== null, (query) =>
        query.where((eb) =>
          eb(eb.refTuple('messages.mailbox_key', 'messages.id'), '>', eb.tuple(after?.key ?? 0, after?.id ?? '')),
        ),
      )
      .orderBy('messages.mailbox_key')
      .orderBy('messages.id')
      .limit(AT_A_TIME)
      .execute(),
  );
  return rows.map(({ mailbox, key, id }) => ({ mailbox: mailbox as MailboxId, key, id: id as MessageId }));
}

/** @returns null for a message without headers to read: its format has none, or its body is lost */
async function headersOf(
  database: StoreDatabase,
  bodies: Bodies,
  key: number,
  id: MessageId,
): Promise<MessageHeaders | null> {
  const row = await findRow(database, key, id);
  const format = toFormat(row?.format ?? null);
  if (row === undefined || format === null || format === 'minimal') return null;
  const read = await readBody(database, bodies, key, row);
  return read.kind === 'read' && read.body !== null ? describeBody(format, read.body) : null;
}

/**
 * Saves headers that were read before the transaction. They are right whatever was fetched since, because a message's
 * bytes never change. A row whose body was dropped meanwhile is not described.
 */
function saveHeaders(
  database: StoreDatabase,
  mailbox: MailboxId,
  headers: ReadonlyMap<MessageId, MessageHeaders | null>,
): Promise<number> {
  return withMailbox(database, mailbox, async ({ tx, dialect, key }) => {
    const waiting = await tx
      .selectFrom('messages')
      .select('id')
      .where('mailbox_key', '=', key)
      .where(dialect.isOneOf('id', [...headers.keys()]))
      .where('described', '=', 0)
      .where('format', 'is not', null)
      .execute();
    const ids = waiting.map(({ id }) => id as MessageId);
    await bulkInsert(
      tx,
      MESSAGE_HEADERS,
      ids.flatMap((id) => {
        const found = headers.get(id) ?? null;
        return found === null ? [] : [toHeaderValues(key, id, found)];
      }),
    );
    await tx
      .updateTable('messages')
      .set({ described: 1 })
      .where('mailbox_key', '=', key)
      .where(dialect.isOneOf('id', ids))
      .execute();
    return ids.length;
  });
}
