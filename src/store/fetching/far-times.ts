import type { Kysely } from 'kysely';
import type { FetchingStore } from './fetching-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * Twice the longest delay of a pending message: see `activities/failed-fetches.ts`, and the rest of drafts in
 * `history-rules.ts`.
 */
const PENDING = 2 * MINUTE;
/** A failed message, or one that lacks something, is asked for at least once a month. */
const FAILED = 31 * DAY;
/** Twice the longest delay of a refresh: see `retrying.ts`. */
const REFRESH = 2 * 60 * MINUTE;
/** A date or size that Gmail did not give is asked for at least once a month: see `fetched-message-rules.ts`. */
const LEFT_OUT = 31 * DAY;
/** While a doubt lasts, a relisting is due at least once a week. After a first listing, it is due within a minute. */
const RELISTING = 8 * DAY;
const FIRST_RELISTING = 2 * MINUTE;
/** When a corrected time is due. Not at once: replicas may have to agree first. */
const SOON = MINUTE;

/**
 * See {@link FetchingStore.correctTimes}. Writes only if there is something to correct; attempts are found by the index
 * of the work to do.
 */
export async function correctTimes(
  database: StoreDatabase,
  { mailbox, now }: RequestOf<FetchingStore, 'correctTimes'>,
): Promise<number> {
  const key = await mailboxKey(database, mailbox);
  const isFar = await database.read(async (db) => {
    const row = await db
      .selectFrom('mailboxes')
      .select(['relist_at', 'doubt'])
      .where('key', '=', key)
      .executeTakeFirst();
    if (row !== undefined && isFarListing(row, now)) return true;
    for (const lane of ['live', 'backfill'] as const)
      if ((await farAttempts(db, key, now).where('lane', '=', lane).limit(1).execute()).length > 0) return true;
    return (await farRefreshes(db, key, now).limit(1).execute()).length > 0;
  });
  if (!isFar) return 0;
  return withMailbox(database, mailbox, async (locked) => {
    const { tx, columns } = locked;
    const listing = isFarListing(columns, now);
    if (listing) await locked.updateMailbox({ relist_at: now + SOON });
    const attempts = await tx
      .updateTable('messages')
      .set({ next_attempt_at: now + SOON })
      .where('mailbox_key', '=', key)
      .where('id', 'in', farAttempts(tx, key, now).where('lane', 'in', ['live', 'backfill']))
      .executeTakeFirst();
    const refreshes = await tx
      .updateTable('messages')
      .set({ refresh_at: now + SOON })
      .where('mailbox_key', '=', key)
      .where('id', 'in', farRefreshes(tx, key, now))
      .executeTakeFirst();
    return Number(attempts.numUpdatedRows + refreshes.numUpdatedRows) + (listing ? 1 : 0);
  });
}

function isFarListing(
  { relist_at: relistAt, doubt }: { readonly relist_at: number | null; readonly doubt: string | null },
  now: number,
): boolean {
  return relistAt !== null && relistAt > now + (doubt === null ? FIRST_RELISTING : RELISTING);
}

function farAttempts(db: Kysely<Schema>, key: number, now: number) {
  return db
    .selectFrom('messages')
    .select('id')
    .where('mailbox_key', '=', key)
    .where('next_attempt_at', '>', now + PENDING)
    .where((eb) => eb.or([eb('state', '=', 'pending'), eb('next_attempt_at', '>', now + FAILED)]));
}

function farRefreshes(db: Kysely<Schema>, key: number, now: number) {
  return db
    .selectFrom('messages')
    .select('id')
    .where('mailbox_key', '=', key)
    .where('refresh_at', '>', now + REFRESH)
    .where((eb) =>
      eb.or([
        eb('refresh_at', '>', now + LEFT_OUT),
        eb.and([eb('internal_date', 'is not', null), eb('size_estimate', '>', 0)]),
      ]),
    );
}
