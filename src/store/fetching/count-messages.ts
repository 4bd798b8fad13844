import { sql } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import { countByState } from './count-by-state.ts';
import type { MessageCounts } from './work-store.ts';

/** See `WorkStore.countMessages`. */
export async function countMessages(database: StoreDatabase, mailbox: MailboxId, now: number): Promise<MessageCounts> {
  const key = await mailboxKey(database, mailbox);
  return database.read(async (db) => {
    const count = await countByState(db, key, ['stored', 'pending', 'failed', 'gone', 'excluded']);
    const work = await db
      .selectFrom('messages')
      .select([
        sql<number>`coalesce(sum(case when lane = 'backfill' and state = 'pending' then 1 else 0 end), 0)`.as(
          'backfill',
        ),
        sql<number>`coalesce(sum(case when next_attempt_at <= ${now} then 1 else 0 end), 0)`.as('due'),
      ])
      .where('mailbox_key', '=', key)
      .where('lane', 'in', ['live', 'backfill'])
      // True of every row: with it SQLite reads the index of rows with work, which does not grow with the mailbox.
      .where('next_attempt_at', '>=', 0)
      .executeTakeFirstOrThrow();
    const { lacking } = await db
      .selectFrom('messages')
      .select((eb) => eb.fn.countAll<number>().as('lacking'))
      .where('mailbox_key', '=', key)
      .where('lacks', 'is not', null)
      .where('state', '=', 'stored')
      .executeTakeFirstOrThrow();
    const { left } = await db
      .selectFrom('messages')
      .select((eb) => eb.fn.countAll<number>().as('left'))
      .where('mailbox_key', '=', key)
      // Literals, so that SQLite's planner sees that the index of these rows holds all of them.
      .where(sql<boolean>`state = 'gone' and gone_because = 'excluded'`)
      .executeTakeFirstOrThrow();
    return {
      stored: count('stored'),
      pending: count('pending'),
      failed: count('failed'),
      gone: count('gone') - left,
      excluded: count('excluded') + left,
      lacking,
      backfill: work.backfill,
      due: work.due,
    };
  });
}
