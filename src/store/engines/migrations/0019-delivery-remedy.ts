import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** What a person can do about a delivery that waits, as JSON. */
export function deliveryRemedyColumn({ textType: text }: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('delivery_positions').addColumn('last_remedy', text).execute();
    },
  };
}
