import {
  sql,
  type CreateTableBuilder,
  type Expression,
  type Kysely,
  type RawBuilder,
  type SelectQueryBuilder,
  type SqlBool,
} from 'kysely';
import type { Schema } from './schema.ts';

/** Everything that differs between the two databases. All other SQL is shared. */
export interface StoreDialect {
  readonly name: 'sqlite' | 'postgres';
  readonly blobType: 'blob' | 'bytea';
  /** 64 bits: times and sequences need more than 32. */
  readonly integerType: 'integer' | 'bigint';
  /** Text compared and sorted by code point, whatever the database's collation: pages are read in the order of ids. */
  readonly textType: 'text' | RawBuilder<string>;
  /** The schema of the migrator's own tables; undefined means the same as the others. */
  readonly schema: string | undefined;
  /** Whether a table exists in `schema`, by default Tidemark's. */
  hasTable(db: Kysely<Schema>, name: string, schema?: string): Promise<boolean>;
  /** Adds the generated integer key of a table. */
  generatedKey<Table extends string, Columns extends string>(
    table: CreateTableBuilder<Table, Columns>,
    column: string,
  ): CreateTableBuilder<Table, Columns>;
  /** Ends the definition of a table whose rows are small and read in the order of the primary key. */
  clustered<Table extends string, Columns extends string>(
    table: CreateTableBuilder<Table, Columns>,
  ): CreateTableBuilder<Table, Columns>;
  /** `column` is one of `values`. The SQL text, and so the prepared statement, is the same for any number of values. */
  isOneOf(column: string, values: readonly string[]): Expression<SqlBool>;
  /** {@link StoreDialect.isOneOf} for a column of integers. */
  isOneOfIntegers(column: string, values: readonly number[]): Expression<SqlBool>;
  /** An aggregate: the column's values, joined by line feeds. */
  joinedLines(column: string): RawBuilder<string>;
  /** Locks the selected rows until the transaction ends. */
  locked<DB, TB extends keyof DB, O>(query: SelectQueryBuilder<DB, TB, O>): SelectQueryBuilder<DB, TB, O>;
}

const inJson = (column: string, values: readonly (string | number)[]): Expression<SqlBool> =>
  sql`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;

export const sqliteDialect: StoreDialect = {
  name: 'sqlite',
  blobType: 'blob',
  integerType: 'integer',
  textType: 'text',
  schema: undefined,
  hasTable: async (db, name) =>
    (await sql`select 1 from sqlite_master where type = 'table' and name = ${name}`.execute(db)).rows.length > 0,
  generatedKey: (table, column) => table.addColumn(column, 'integer', (it) => it.primaryKey().autoIncrement()),
  clustered: (table) => table.modifyEnd(sql`strict, without rowid`),
  isOneOf: inJson,
  isOneOfIntegers: inJson,
  joinedLines: (column) => sql`group_concat(${sql.ref(column)}, char(10))`,
  // BEGIN IMMEDIATE has locked the whole database already: see sqlite-connection.ts.
  locked: (query) => query,
};

/**
 * The schema of Tidemark's tables. It keeps them apart from an application's tables, and read access can be granted on
 * the schema.
 */
export const POSTGRES_SCHEMA = 'tidemark';
/** The schema of the views of mail, apart from all tables. */
export const MAIL_VIEWS_SCHEMA = 'tidemark_mail';

export const postgresDialect: StoreDialect = {
  name: 'postgres',
  blobType: 'bytea',
  integerType: 'bigint',
  textType: sql`text collate "C"`,
  schema: POSTGRES_SCHEMA,
  hasTable: async (db, name, schema = POSTGRES_SCHEMA) => {
    // Not to_regclass: a connection may keep missing a table that it once did not find.
    const { rows } = await sql<{
      found: boolean;
    }>`select exists (select from pg_catalog.pg_tables where schemaname = ${schema} and tablename = ${name}) as
      found`.execute(db);
    return rows[0]?.found === true;
  },
  generatedKey: (table, column) =>
    table.addColumn(column, 'bigint', (it) => it.primaryKey().generatedAlwaysAsIdentity()),
  clustered: (table) => table,
  isOneOf: (column, values) => sql`${sql.ref(column)} = any(${values}::text[])`,
  isOneOfIntegers: (column, values) => sql`${sql.ref(column)} = any(${values}::bigint[])`,
  joinedLines: (column) => sql`string_agg(${sql.ref(column)}, chr(10))`,
  // Not FOR UPDATE: rows that reference the mailbox (its ledger) must be writable during a long transaction on the
  // mailbox.
  locked: (query) => query.forNoKeyUpdate(),
};
