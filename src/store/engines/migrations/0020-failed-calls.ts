import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** Calls that failed without a rejection. Until now they were counted as successful. */
export function failedCalls({ integerType: integer }: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('usage')
        .addColumn('failed', integer, (it) => it.notNull().defaultTo(0))
        .execute();
    },
  };
}
