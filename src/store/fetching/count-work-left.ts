import { sql } from 'kysely';
import type { WorkStore } from './work-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { WorkLeft } from '../../model/work-left.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** See {@link WorkStore.workLeft}. */
export async function workLeft(
  database: StoreDatabase,
  { mailbox }: RequestOf<WorkStore, 'workLeft'>,
): Promise<WorkLeft> {
  const key = await mailboxKey(database, mailbox);
  return database.read(async (db) => {
    const fresh = db
      .selectFrom('messages')
      .select((eb) => eb.fn.countAll<number>().as('fresh'))
      .where('mailbox_key', '=', key)
      .where('state', '=', 'pending')
      .where('attempts', '=', 0)
      .where(sql<boolean>`not (${LACKS})`)
      .groupBy('thread_id');
    const threads = await db
      .selectFrom(fresh.as('threads'))
      .select((eb) => ['fresh', eb.fn.countAll<number>().as('threads')])
      .groupBy('fresh')
      .orderBy('fresh')
      .execute();
    const { lacking, tried } = await db
      .selectFrom('messages')
      .select([
        sql<number>`coalesce(sum(case when ${LACKS} then 1 else 0 end), 0)`.as('lacking'),
        sql<number>`coalesce(sum(case when ${LACKS} then 0 when attempts = 0 then 0 else 1 end), 0)`.as('tried'),
      ])
      .where('mailbox_key', '=', key)
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow();
    const read = await db
      .selectFrom('messages')
      .select([
        (eb) => eb.fn.countAll<number>().as('messages'),
        sql<number>`coalesce(sum(case when attachments > 0 then 1 else 0 end), 0)`.as('attached'),
      ])
      .where('mailbox_key', '=', key)
      .where('attachments', 'is not', null)
      .executeTakeFirstOrThrow();
    return { threads, tried, lacking, attachedShare: read.messages === 0 ? 0 : read.attached / read.messages };
  });
}

/** Whether a row holds its FULL body but not its attachments. */
const LACKS = sql`(format is not null and format = 'full' and attachments_held = 0 and attachments is not null)`;

/** See {@link WorkStore.countBackfills}. */
export async function countBackfills(database: StoreDatabase): Promise<number> {
  const { mailboxes } = await database.read((db) =>
    db
      .selectFrom('mailboxes')
      .select((eb) => eb.fn.countAll<number>().as('mailboxes'))
      .where('full_sync', 'is not', null)
      .where('full_sync', 'not like', '%"step":"done"%')
      .executeTakeFirstOrThrow(),
  );
  return mailboxes;
}
