import { sql, type CreateTableBuilder, type Expression, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely';

/** All that differs between the databases. Everything else is the same SQL. */
export interface StoreDialect {
  readonly name: 'sqlite' | 'postgres';
  readonly blobType: 'blob' | 'bytea';
  /** 64 bits: times and sequences need more than 32. */
  readonly integerType: 'integer' | 'bigint';
  /** Adds the generated integer key of a table. */
  generatedKey<Table extends string, Columns extends string>(table: CreateTableBuilder<Table, Columns>, column: string): CreateTableBuilder<Table, Columns>;
  /** Ends the definition of a table whose rows are small and read in the order of the primary key. */
  clustered<Table extends string, Columns extends string>(table: CreateTableBuilder<Table, Columns>): CreateTableBuilder<Table, Columns>;
  /** `column` is one of `values`: the same SQL text, hence the same prepared statement, however many values there are. */
  isOneOf(column: string, values: readonly string[]): Expression<SqlBool>;
  /** An aggregate: the column's values, joined by line feeds. */
  joinedLines(column: string): RawBuilder<string>;
  /** Locks the selected rows until the transaction ends. */
  locked<DB, TB extends keyof DB, O>(query: SelectQueryBuilder<DB, TB, O>): SelectQueryBuilder<DB, TB, O>;
}

export const sqliteDialect: StoreDialect = {
  name: 'sqlite',
  blobType: 'blob',
  integerType: 'integer',
  generatedKey: (table, column) => table.addColumn(column, 'integer', (it) => it.primaryKey().autoIncrement()),
  clustered: (table) => table.modifyEnd(sql`strict, without rowid`),
  isOneOf: (column, values) => sql`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`,
  joinedLines: (column) => sql`group_concat(${sql.ref(column)}, char(10))`,
  // BEGIN IMMEDIATE has locked the whole database already: see sqlite-connection.ts.
  locked: (query) => query,
};
