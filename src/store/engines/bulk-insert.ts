import { CompiledQuery, sql, type RawBuilder, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';

export interface BulkTable {
  readonly table: keyof Schema;
  readonly columns: readonly string[];
  /** Columns of the primary key. */
  readonly key: readonly string[];
  /**
   * What to do with an existing row: nothing, write every column, or set some (`name` keeps such statements apart in
   * the cache).
   */
  readonly onConflict:
    'ignore' | 'update' | { readonly name: string; readonly set: Readonly<Record<string, RawBuilder<unknown>>> };
}

export type ColumnValue = string | number | Uint8Array | null;

/**
 * Rows per statement. Few sizes mean few texts, each compiled and prepared once. SQLite takes 32,766 parameters,
 * PostgreSQL 65,535.
 */
const SIZES = [256, 64, 16, 4, 1] as const;
const compiled = new Map<string, string>();

/** Inserts (or updates) rows, many at a time. */
export async function bulkInsert(
  tx: Transaction<Schema>,
  target: BulkTable,
  rows: readonly (readonly ColumnValue[])[],
): Promise<void> {
  let next = 0;
  for (const size of SIZES) {
    for (; rows.length - next >= size; next += size) {
      const parameters = rows.slice(next, next + size).flat();
      await tx.executeQuery(CompiledQuery.raw(statementText(tx, target, size), parameters));
    }
  }
}

/** Building a statement of a thousand parameters takes longer than running it, so its text is cached. */
function statementText(tx: Transaction<Schema>, target: BulkTable, size: number): string {
  const { table, columns, key, onConflict } = target;
  const compiler = tx.getExecutor().adapter.constructor.name;
  const name = `${compiler} ${table} ${typeof onConflict === 'string' ? onConflict : onConflict.name} ${size}`;
  const kept = compiled.get(name);
  if (kept !== undefined) return kept;
  const row = sql`(${sql.join(columns.map(() => sql`${0}`))})`;
  const text = sql`
    insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})
    values ${sql.join(Array.from({ length: size }, () => row))}
    on conflict (${sql.join(key.map((column) => sql.ref(column)))}) do ${conflictAction(target)}`.compile(tx).sql;
  compiled.set(name, text);
  return text;
}

function conflictAction({ columns, key, onConflict }: BulkTable): RawBuilder<unknown> {
  if (onConflict === 'ignore') return sql`nothing`;
  const all = () =>
    Object.fromEntries(
      columns.filter((column) => !key.includes(column)).map((column) => [column, sql.ref(`excluded.${column}`)]),
    );
  const set = onConflict === 'update' ? all() : onConflict.set;
  return sql`update set ${sql.join(Object.entries(set).map(([column, value]) => sql`${sql.ref(column)} = ${value}`))}`;
}
