import { buryChain } from '../rows/workflow-chains.ts';
import { sql, type Transaction } from 'kysely';
import type { MailboxId, MessageId } from '../../model/ids.ts';
import { unnameObjects } from '../bodies/body-objects.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

export interface MailboxRemoval {
  /**
   * Begins the removal of a mailbox, in one transaction. From then on the store does not know it, and its writers get
   * `lost`.
   *
   * @param request.chain - the first run id of the workflow that was ended, so that late attempts of it cannot create
   * the mailbox again; null when there was none
   * @returns false when the store did not know the mailbox
   */
  beginRemoval(request: { mailbox: MailboxId; chain: string | null; now: number }): Promise<boolean>;
  /**
   * Deletes the rows of every mailbox whose removal has begun, some thousands in each transaction. A killed call has
   * done part of the work, and the next call, at the latest a worker's housekeeping, does the rest. The next sweep
   * removes bodies outside.
   *
   * @returns the number of rows
   */
  finishRemovals(request: { now: number; signal?: AbortSignal }): Promise<number>;
}

/**
 * The prefix of ids under removal. They are not e-mail addresses, so no writer finds such a mailbox and no listing
 * shows it.
 */
const REMOVING = 'removing/';

const ROWS = 2_000;
/** Fewer, since each body may be megabytes. */
const BODIES = 100;

/**
 * Every table with rows of a mailbox, and the rest of its key; a test compares them with the schema. `messages` comes
 * after the tables that name messages.
 */
const TABLES = [
  { table: 'label_listings', key: ['message_id', 'label_id'], rows: ROWS },
  { table: 'audit_listings', key: ['audit', 'message_id', 'label_id'], rows: ROWS },
  { table: 'applied_operations', key: ['record_id', 'message_id', 'operation'], rows: ROWS },
  { table: 'changes', key: ['sequence'], rows: ROWS },
  { table: 'feed_mailboxes', key: ['mailbox_key'], rows: ROWS },
  { table: 'bodies', key: ['message_id'], rows: BODIES },
  { table: 'message_headers', key: ['message_id'], rows: ROWS },
  { table: 'outside_bodies', key: ['message_id'], rows: ROWS },
  { table: 'messages', key: ['id'], rows: ROWS },
  { table: 'delivery_positions', key: ['subscription'], rows: ROWS },
  { table: 'parked_deliveries', key: ['subscription', 'sequence'], rows: ROWS },
  { table: 'mailbox_events', key: ['number'], rows: ROWS },
  { table: 'parked_events', key: ['subscription', 'event'], rows: ROWS },
  { table: 'labels', key: ['id'], rows: ROWS },
  { table: 'usage', key: ['method'], rows: ROWS },
  { table: 'day_usage', key: ['mailbox_key'], rows: ROWS },
  { table: 'ledgers', key: ['mailbox_key'], rows: ROWS },
] as const satisfies readonly { table: keyof Schema; key: readonly string[]; rows: number }[];

/**
 * See {@link MailboxRemoval.beginRemoval}. Every writer finds the mailbox by its id and locks its row, so the renamed
 * row is out of reach: a zombie that waits for the lock then finds nothing, and a zombie that would create the mailbox
 * (`putMailbox`) meets the buried chain.
 */
export function beginRemoval(
  database: StoreDatabase,
  { mailbox, chain, now }: { mailbox: MailboxId; chain: string | null; now: number },
): Promise<boolean> {
  return database.write(async (tx) => {
    if (chain !== null) await buryChain(tx, chain, now);
    const row = await database.dialect
      .locked(tx.selectFrom('mailboxes').select('key').where('id', '=', mailbox))
      .executeTakeFirst();
    if (row === undefined) return false;
    await tx
      .updateTable('mailboxes')
      .set({ id: `${REMOVING}${row.key}` })
      .where('key', '=', row.key)
      .execute();
    return true;
  });
}

/** See {@link MailboxRemoval.finishRemovals}. */
export async function finishRemovals(
  database: StoreDatabase,
  { now, signal }: { now: number; signal?: AbortSignal },
): Promise<number> {
  let removed = 0;
  const mailboxes = await database.read((db) =>
    db.selectFrom('mailboxes').select('key').where('id', 'like', `${REMOVING}%`).orderBy('key').execute(),
  );
  for (const { key } of mailboxes) {
    for (const each of TABLES) {
      for (let rows = -1; rows !== 0 && signal?.aborted !== true; removed += rows) {
        rows = await database.write((tx) => removeSome(database, tx, key, each, now));
        await database.breathe();
      }
    }
    if (signal?.aborted === true) return removed;
    removed += await database.write((tx) => removeLast(database, tx, key, now));
  }
  return removed;
}

type Table = (typeof TABLES)[number];

async function removeSome(
  database: StoreDatabase,
  tx: Transaction<Schema>,
  key: number,
  { table, key: columns, rows }: Table,
  now: number,
): Promise<number> {
  if (table === 'outside_bodies') return removeOutside(database, tx, key, now);
  const names = sql.join(columns.map((column) => sql.ref(column)));
  const { numAffectedRows = 0n } = await sql`
    delete from ${sql.table(table)} where mailbox_key = ${key}
    and (${names}) in (
      select ${names} from ${sql.table(table)} where mailbox_key = ${key} limit ${sql.lit(rows)}
    )`.execute(tx);
  return Number(numAffectedRows);
}

async function removeOutside(
  { dialect }: StoreDatabase,
  tx: Transaction<Schema>,
  key: number,
  now: number,
): Promise<number> {
  const rows = await tx
    .selectFrom('outside_bodies')
    .select('message_id')
    .where('mailbox_key', '=', key)
    .limit(ROWS)
    .execute();
  if (rows.length > 0)
    await unnameObjects(
      { tx, dialect, key },
      rows.map((row) => row.message_id as MessageId),
      now,
    );
  return rows.length;
}

/**
 * Deletes the mailbox's own row. PostgreSQL lets rows that merely reference it (a zombie's ledger) be written beside
 * other locks. Another change of the id locks such writers out and waits for those under way, whose rows are then
 * deleted here.
 */
async function removeLast(database: StoreDatabase, tx: Transaction<Schema>, key: number, now: number): Promise<number> {
  await tx
    .updateTable('mailboxes')
    .set({ id: `${REMOVING}${key}/last` })
    .where('key', '=', key)
    .execute();
  for (const each of TABLES) await removeSome(database, tx, key, each, now);
  const { numDeletedRows } = await tx.deleteFrom('mailboxes').where('key', '=', key).executeTakeFirst();
  return Number(numDeletedRows);
}
