import { sql, type Kysely } from 'kysely';
import type { Lane } from '../../model/lane.ts';
import type { WorkLeft } from '../../model/work-left.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import { countByState } from './count-by-state.ts';
import type { WorkStore } from './work-store.ts';

/**
 * So many pending messages of a lane stand for all of them, those that are fetched next. Grouping a million by thread
 * would take longer than fetching the next thousands.
 */
const SAMPLED = 10_000;

/** So many of the newest messages show how many have attachments. */
const NEWEST = 5_000;

/** See {@link WorkStore.workLeft}. */
export async function workLeft(
  database: StoreDatabase,
  { mailbox, attachments }: RequestOf<WorkStore, 'workLeft'>,
): Promise<WorkLeft> {
  const key = await mailboxKey(database, mailbox);
  return database.read(async (db) => {
    const attachedShare = attachments ? await shareWithAttachments(db, key) : 0;
    const { sampled, lacking, tried } = await sampleOf(db, key)
      .select([
        (eb) => eb.fn.countAll<number>().as('sampled'),
        sql<number>`coalesce(sum(lacks_attachments), 0)`.as('lacking'),
        sql<number>`coalesce(sum(case when lacks_attachments = 1 or attempts = 0 then 0 else 1 end), 0)`.as('tried'),
      ])
      .executeTakeFirstOrThrow();
    if (sampled === 0) return { threads: [], tried: 0, lacking: 0, attachedShare };
    const threads = await db
      .selectFrom(
        sampleOf(db, key)
          .select((eb) => eb.fn.countAll<number>().as('fresh'))
          .where('attempts', '=', 0)
          .where('lacks_attachments', '=', 0)
          .groupBy('thread_id')
          .as('threads'),
      )
      .select((eb) => ['fresh', eb.fn.countAll<number>().as('threads')])
      .groupBy('fresh')
      .orderBy('fresh')
      .execute();
    // A smaller sample is all that is pending.
    const pending = sampled < SAMPLED ? sampled : (await countByState(db, key, ['pending']))('pending');
    const all = (count: number): number => Math.round((count * pending) / sampled);
    return {
      threads: threads.map(({ fresh, threads: count }) => ({ fresh, threads: all(count) })),
      tried: all(tried),
      lacking: all(lacking),
      attachedShare,
    };
  });
}

/** 1 for a row that holds its FULL body but not its attachments. */
const LACKS = sql<number>`case
  when format is not null and format = 'full' and attachments_held = 0 and attachments is not null then 1 else 0 end`;

function sampleOf(db: Kysely<Schema>, key: number) {
  const ofLane = (lane: Lane) =>
    db
      .selectFrom('messages')
      .select(['thread_id', 'attempts', LACKS.as('lacks_attachments')])
      .where('mailbox_key', '=', key)
      .where('lane', '=', lane)
      // True of every row: with it SQLite reads the index of rows with work.
      .where('next_attempt_at', '>=', 0)
      .where('state', '=', 'pending')
      .orderBy('next_attempt_at')
      .limit(SAMPLED);
  return db.selectFrom(
    db
      .selectFrom(ofLane('live').as('live'))
      .selectAll()
      .unionAll(db.selectFrom(ofLane('backfill').as('backfill')).selectAll())
      .as('sample'),
  );
}

async function shareWithAttachments(db: Kysely<Schema>, key: number): Promise<number> {
  const newest = db
    .selectFrom('messages')
    .select('attachments')
    .where('mailbox_key', '=', key)
    .orderBy('id', 'desc')
    .limit(NEWEST);
  const { read, attached } = await db
    .selectFrom(newest.as('newest'))
    .select([
      sql<number>`coalesce(sum(case when attachments is null then 0 else 1 end), 0)`.as('read'),
      sql<number>`coalesce(sum(case when attachments > 0 then 1 else 0 end), 0)`.as('attached'),
    ])
    .executeTakeFirstOrThrow();
  return read === 0 ? 0 : attached / read;
}

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
