import type { WorkCounts } from './work-store.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { UNFETCHED_STATES } from '../rules/message-row.ts';

/** See `WorkStore.countWork`. The index by state answers the query without reading rows. */
export async function countWork(database: StoreDatabase): Promise<WorkCounts> {
  const rows = await database.read((db) =>
    db
      .selectFrom('mailboxes')
      .innerJoin('messages', 'messages.mailbox_key', 'mailboxes.key')
      .select(['messages.state', (eb) => eb.fn.countAll<number | string>().as('messages')])
      .where('messages.state', 'in', UNFETCHED_STATES)
      .groupBy('messages.state')
      .execute(),
  );
  const count = (state: string): number => Number(rows.find((row) => row.state === state)?.messages ?? 0);
  return { pending: count('pending'), failed: count('failed') };
}
