import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { bulkInsert, type ColumnValue } from '../engines/bulk-insert.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

export interface MovedTable {
  readonly table: keyof Schema;
  /** The primary key after `mailbox_key`. */
  readonly key: readonly string[];
  /** Rows in memory at a time. */
  readonly rows: number;
}

const ROWS = 1_000;

/**
 * The tables of a mailbox's rows; a test compares them with the schema. Bodies outside are copied separately, since
 * each database has its own object keys. The feed's positions are not copied: the target is another feed, and numbers
 * the changes of all its mailboxes itself.
 */
export const MOVED_TABLES: readonly MovedTable[] = [
  { table: 'labels', key: ['id'], rows: ROWS },
  { table: 'usage', key: ['method'], rows: ROWS },
  { table: 'day_usage', key: [], rows: ROWS },
  { table: 'ledgers', key: [], rows: ROWS },
  { table: 'applied_operations', key: ['record_id', 'message_id', 'operation'], rows: ROWS },
  { table: 'label_listings', key: ['message_id', 'label_id'], rows: ROWS },
  { table: 'audit_listings', key: ['audit', 'message_id', 'label_id'], rows: ROWS },
  { table: 'changes', key: ['sequence'], rows: ROWS },
  { table: 'messages', key: ['id'], rows: ROWS },
  { table: 'message_headers', key: ['message_id'], rows: ROWS },
  { table: 'delivery_positions', key: ['subscription'], rows: ROWS },
  { table: 'parked_deliveries', key: ['subscription', 'sequence'], rows: ROWS },
  { table: 'mailbox_events', key: ['number'], rows: ROWS },
  { table: 'parked_events', key: ['subscription', 'event'], rows: ROWS },
  { table: 'bodies', key: ['message_id'], rows: 50 },
];

type Row = Readonly<Record<string, ColumnValue>>;

/** Rows of a mailbox after a key, in the order of keys. Text is ordered by code point in both databases. */
export async function nextRows(
  database: StoreDatabase,
  { table, key, rows }: MovedTable,
  mailboxKey: number,
  after: Row | null,
): Promise<readonly Row[]> {
  const beyond =
    after === null || key.length === 0
      ? sql``
      : sql`and (${names(key)}) > (${sql.join(key.map((column) => after[column] ?? null))})`;
  const order = key.length === 0 ? sql`` : sql`order by ${names(key)}`;
  const query = sql<Row>`select * from ${sql.table(table)} where mailbox_key = ${mailboxKey} ${beyond} ${order}
    limit ${sql.lit(rows)}`;
  return (await database.read((db) => query.execute(db))).rows;
}

/** The last row of a mailbox that a table has: where an interrupted copy goes on. */
async function lastRow(database: StoreDatabase, { table, key }: MovedTable, mailboxKey: number): Promise<Row | null> {
  const order = key.length === 0 ? sql`` : sql`order by ${sql.join(key.map((column) => sql`${sql.ref(column)} desc`))}`;
  const query = sql<Row>`select * from ${sql.table(table)} where mailbox_key = ${mailboxKey} ${order} limit 1`;
  return (await database.read((db) => query.execute(db))).rows[0] ?? null;
}

/**
 * Copies a table's rows of one mailbox in the order of keys, one transaction a page. An interrupted copy continues
 * after the last copied row.
 */
export async function copyTable(request: {
  table: MovedTable;
  from: { database: StoreDatabase; key: number };
  to: { database: StoreDatabase; key: number };
  onRows: (rows: number) => void;
  signal: AbortSignal | undefined;
}): Promise<void> {
  const { table, from, to, onRows, signal } = request;
  let after = await lastRow(to.database, table, to.key);
  if (after !== null && table.key.length === 0) return;
  for (;;) {
    signal?.throwIfAborted();
    const page = await nextRows(from.database, table, from.key, after);
    const [first] = page;
    if (first === undefined) return;
    const columns = Object.keys(first);
    const target = { table: table.table, columns, key: ['mailbox_key', ...table.key], onConflict: 'ignore' } as const;
    await to.database.write((tx) =>
      bulkInsert(
        tx,
        target,
        page.map((row) => columns.map((column) => (column === 'mailbox_key' ? to.key : (row[column] ?? null)))),
      ),
    );
    onRows(page.length);
    if (table.key.length === 0) return;
    after = page.at(-1) ?? null;
    await to.database.breathe();
  }
}

/** How many rows of one mailbox a table has, and a digest of them that is the same in every database. */
export async function digestTable(database: StoreDatabase, table: MovedTable, mailboxKey: number): Promise<string> {
  const hash = createHash('sha256');
  let count = 0;
  for (let after: Row | null = null; ;) {
    const page: readonly Row[] = await nextRows(database, table, mailboxKey, after);
    for (const row of page) hash.update(`${canonical(row)}\n`);
    count += page.length;
    after = page.at(-1) ?? null;
    if (after === null || table.key.length === 0) return `${count} rows ${hash.digest('hex')}`;
    await database.breathe();
  }
}

/**
 * A row as text. Columns are sorted, since they may have been added in another order; bytes are replaced by their
 * digest.
 */
function canonical(row: Row): string {
  const columns = Object.keys(row).filter((column) => column !== 'mailbox_key');
  return JSON.stringify(
    columns
      .sort()
      .map((column) => [
        column,
        row[column] instanceof Uint8Array ? createHash('sha256').update(row[column]).digest('hex') : row[column],
      ]),
  );
}

const names = (key: readonly string[]) => sql.join(key.map((column) => sql.ref(column)));
