import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** How many changes a subscription did not get because they had been pruned. */
export function notKeptColumn({ integerType: integer }: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('delivery_positions')
        .addColumn('not_kept', integer, (it) => it.notNull().defaultTo(0))
        .execute();
    },
  };
}
