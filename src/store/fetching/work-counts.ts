import { isUnconfirmed } from '../../model/unconfirmed.ts';
import type { WorkCounts } from './work-store.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { doubtOf } from '../rows/mailbox-rows.ts';
import { UNFETCHED_STATES } from '../rules/message-row.ts';

/**
 * See `WorkStore.countWork`. The index by state answers the query of messages without reading rows. The one for doubts
 * reads the row of every mailbox: milliseconds for 20,000 of them.
 */
export async function countWork(database: StoreDatabase): Promise<WorkCounts> {
  const { messages, doubts } = await database.read(async (db) => ({
    messages: await db
      .selectFrom('mailboxes')
      .innerJoin('messages', 'messages.mailbox_key', 'mailboxes.key')
      .select(['messages.state', (eb) => eb.fn.countAll<number | string>().as('messages')])
      .where('messages.state', 'in', UNFETCHED_STATES)
      .groupBy('messages.state')
      .execute(),
    doubts: await db
      .selectFrom('mailboxes')
      .select('doubt')
      .where('doubt', 'is not', null)
      .where('id', 'like', READABLE_ID)
      .execute(),
  }));
  const count = (state: string): number => Number(messages.find((row) => row.state === state)?.messages ?? 0);
  const doubted = doubts.map(doubtOf).filter((doubt) => doubt !== null && !isUnconfirmed(doubt));
  return { pending: count('pending'), failed: count('failed'), doubted: doubted.length };
}
