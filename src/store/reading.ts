import type { MailboxId, MessageId, ThreadId } from '../model/ids.ts';
import { decodeBody } from './body-codec.ts';
import { fromHistoryIdText } from './history-id-text.ts';
import { mailboxKey } from './mailbox-rows.ts';
import type { Change, StoredMessage } from './mailbox-store.ts';
import { parseLabelIds, toFormat } from './message-row.ts';
import type { StoreDatabase } from './store-database.ts';

/** Bodies may be large (25 MB and more), so few are held at a time. */
const PAGE = 50;

/** See {@link MailboxStore.readChanges}. */
export async function readChanges(database: StoreDatabase, request: { mailbox: MailboxId; after: number; limit: number }): Promise<readonly Change[]> {
  const key = await mailboxKey(database, request.mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('changes')
      .selectAll()
      .where('mailbox_key', '=', key)
      .where('sequence', '>', request.after)
      .orderBy('sequence')
      .limit(request.limit)
      .execute(),
  );
  return rows.map((row) => ({
    sequence: row.sequence,
    kind: row.kind as Change['kind'],
    messageId: row.message_id as MessageId,
    threadId: row.thread_id as ThreadId,
    labelIds: parseLabelIds(row.label_ids),
    historyId: fromHistoryIdText(row.history_id),
    at: row.at,
  }));
}

/** See {@link MailboxStore.heldBody}. */
export async function heldBody(database: StoreDatabase, request: { mailbox: MailboxId; messageId: MessageId }): Promise<Uint8Array | null> {
  const key = await mailboxKey(database, request.mailbox);
  const row = await database.read((db) =>
    db.selectFrom('bodies').select(['encoding', 'body']).where('mailbox_key', '=', key).where('message_id', '=', request.messageId).executeTakeFirst(),
  );
  return row === undefined ? null : decodeBody(row.encoding, row.body);
}

/**
 * See {@link MailboxStore.streamMessages}. In the order of ids, page by page: between two pages nothing is held open,
 * so a slow reader holds up neither a writer nor SQLite's checkpoints.
 */
export async function* streamMessages(database: StoreDatabase, mailbox: MailboxId): AsyncGenerator<StoredMessage, void, undefined> {
  const key = await mailboxKey(database, mailbox);
  for (let after = ''; ; ) {
    const cursor = after;
    const page = await database.read((db) =>
      db
        .selectFrom('messages')
        .leftJoin('bodies', (join) => join.onRef('bodies.mailbox_key', '=', 'messages.mailbox_key').onRef('bodies.message_id', '=', 'messages.id'))
        .select([
          'messages.id',
          'messages.thread_id',
          'messages.label_ids',
          'messages.history_id',
          'messages.internal_date',
          'messages.size_estimate',
          'messages.snippet',
          'messages.format',
          'bodies.encoding',
          'bodies.body',
        ])
        .where('messages.mailbox_key', '=', key)
        .where('messages.state', '=', 'stored')
        .where('messages.id', '>', cursor)
        .orderBy('messages.id')
        .limit(PAGE)
        .execute(),
    );
    for (const row of page) {
      yield {
        id: row.id as MessageId,
        threadId: row.thread_id as ThreadId,
        labelIds: parseLabelIds(row.label_ids),
        historyId: fromHistoryIdText(row.history_id ?? '0'),
        internalDate: row.internal_date,
        sizeEstimate: row.size_estimate,
        snippet: row.snippet,
        format: toFormat(row.format) ?? 'minimal',
        body: row.body === null || row.encoding === null ? null : decodeBody(row.encoding, row.body),
      };
    }
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}
