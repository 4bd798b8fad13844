import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * Attempts at a delivery that began and whose end no worker reported. They are counted for the delivery that
 * `unended_delivery` names, since a program of the previous version moves positions without resetting the count.
 */
export function unendedAttempts({ integerType: integer, textType: text }: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('delivery_positions')
        .addColumn('unended', integer, (it) => it.notNull().defaultTo(0))
        .execute();
      await db.schema.alterTable('delivery_positions').addColumn('unended_delivery', text).execute();
    },
  };
}
