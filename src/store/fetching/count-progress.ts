import type { Kysely } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import { unknownMailbox } from '../engines/mailbox-transaction.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { countByState } from './count-by-state.ts';
import type { FetchProgress } from './work-store.ts';

/** How many messages a mailbox without work held at a change of its feed. */
interface StoredAt {
  readonly sequence: number;
  readonly stored: number;
}

/** Mailboxes whose count is remembered: 100 bytes each. */
const MOST_REMEMBERED = 50_000;

/**
 * Counts what a mailbox holds and has to fetch. Counting the stored messages takes 70 ms for each million, and nothing
 * else of a poll depends on the size of the mailbox, so that count is remembered.
 *
 * A remembered count is used while no message is pending or failed and the change feed has no new entry. It is right
 * because a message becomes stored, or leaves, only with an entry in the feed, or by way of pending. Keys of mailboxes
 * are never used again.
 */
export class ProgressCounter {
  readonly #database: StoreDatabase;
  readonly #remembered = new Map<number, StoredAt>();

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /** See `WorkStore.countProgress`. */
  count(mailbox: MailboxId): Promise<FetchProgress> {
    return this.#database.read(async (db) => {
      // Read first: a count that another process changes meanwhile is then remembered for a place that has passed.
      const row = await db
        .selectFrom('mailboxes')
        .select(['key', 'change_sequence as sequence'])
        .where('id', '=', mailbox)
        .executeTakeFirst();
      if (row === undefined) throw unknownMailbox(mailbox);
      const unfetched = await countByState(db, row.key, ['pending', 'failed']);
      const [pending, failed] = [unfetched('pending'), unfetched('failed')];
      const isIdle = pending + failed === 0;
      const remembered = this.#remembered.get(row.key);
      if (isIdle && remembered?.sequence === row.sequence)
        return { stored: remembered.stored, pending, failed, isBackfilling: false };
      const stored = (await countByState(db, row.key, ['stored']))('stored');
      if (isIdle) this.#remember(row.key, { sequence: row.sequence, stored });
      return { stored, pending, failed, isBackfilling: pending > 0 && (await isBackfilling(db, row.key)) };
    });
  }

  #remember(key: number, counted: StoredAt): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, counted);
    if (this.#remembered.size > MOST_REMEMBERED) {
      const [oldest = key] = this.#remembered.keys();
      this.#remembered.delete(oldest);
    }
  }
}

async function isBackfilling(db: Kysely<Schema>, key: number): Promise<boolean> {
  const pending = await db
    .selectFrom('messages')
    .select('id')
    .where('mailbox_key', '=', key)
    .where('lane', '=', 'backfill')
    // True of every row: with it SQLite reads the index of rows with work.
    .where('next_attempt_at', '>=', 0)
    .where('state', '=', 'pending')
    .limit(1)
    .executeTakeFirst();
  return pending !== undefined;
}
