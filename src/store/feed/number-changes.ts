import { randomBytes } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import { bulkInsert } from '../engines/bulk-insert.ts';
import type { StoreDialect } from '../engines/dialect.ts';
import type { MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

const SEGMENTS = {
  table: 'feed_segments',
  columns: ['position', 'changes_of', 'first_sequence', 'last_sequence', 'tag'],
  key: ['position'],
  onConflict: 'ignore',
} as const;
const NUMBERED = {
  table: 'feed_mailboxes',
  columns: ['mailbox_key', 'sequence', 'pruned_position'],
  key: ['mailbox_key'],
  onConflict: { name: 'numbered', set: { sequence: sql`excluded.sequence` } },
} as const;

/**
 * Gives committed changes their positions in the feed of all mailboxes. Every program that follows the feed does this.
 *
 * Why no reader can miss a change, in whatever order transactions commit:
 * - Within a mailbox, sequences have no gaps and are committed in order, since writers hold the mailbox's lock.
 * - A numbering sees committed changes only, so a segment names no change that could still be rolled back or appear.
 * - Numberings take turns on the lock of the row of `feed`, which each holds until it has committed. So a reader that
 *   sees a segment sees every segment before it, and what commits later gets a later position.
 * - A numbering takes no lock of a mailbox. A long transaction holds up only the changes of its own mailbox.
 *
 * @param mailboxKeys - the mailboxes to look at; null for all
 * @returns whether there was anything to number
 */
export async function numberChanges(database: StoreDatabase, mailboxKeys: readonly number[] | null): Promise<boolean> {
  // Most looks find nothing to do, and need no lock.
  if ((await database.read((db) => unnumbered(db, database.dialect, mailboxKeys))).length === 0) return false;
  return database.write(async (tx) => {
    const { position } = await database.dialect
      .locked(tx.selectFrom('feed').select('position').where('key', '=', 1))
      .executeTakeFirstOrThrow();
    return (await numberAfter({ tx, dialect: database.dialect }, position, mailboxKeys)) > position;
  });
}

/** Numbers under the lock of the row of `feed`. @returns the position of the last change */
export async function numberAfter(
  { tx, dialect }: Pick<MailboxTransaction, 'tx' | 'dialect'>,
  position: number,
  mailboxKeys: readonly number[] | null,
): Promise<number> {
  // A statement of its own after the lock: in PostgreSQL it sees what the numbering before this one committed.
  const mailboxes = await unnumbered(tx, dialect, mailboxKeys);
  if (mailboxes.length === 0) return position;
  let end = position;
  const segments = mailboxes.map(({ key, numbered, change_sequence: last }) => {
    end += last - numbered;
    return [end, key, numbered + 1, last, randomBytes(6).toString('hex')];
  });
  await bulkInsert(tx, SEGMENTS, segments);
  await bulkInsert(
    tx,
    NUMBERED,
    mailboxes.map(({ key, change_sequence: last }) => [key, last, 0]),
  );
  await tx.updateTable('feed').set({ position: end }).where('key', '=', 1).execute();
  return end;
}

/** Mailboxes with changes that are in no segment yet. */
function unnumbered(db: Kysely<Schema>, dialect: StoreDialect, mailboxKeys: readonly number[] | null) {
  const all = db
    .selectFrom('mailboxes')
    .leftJoin('feed_mailboxes', 'feed_mailboxes.mailbox_key', 'mailboxes.key')
    .select([
      'mailboxes.key',
      'mailboxes.change_sequence',
      (eb) => eb.fn.coalesce('feed_mailboxes.sequence', sql<number>`0`).as('numbered'),
    ])
    .where('mailboxes.change_sequence', '>', (eb) => eb.fn.coalesce('feed_mailboxes.sequence', sql<number>`0`))
    .where('mailboxes.id', 'like', READABLE_ID)
    .orderBy('mailboxes.key');
  return (mailboxKeys === null ? all : all.where(dialect.isOneOfIntegers('mailboxes.key', mailboxKeys))).execute();
}
