import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** The ids of the databases whose mailboxes were moved here, as JSON: see model/store-identity.ts. */
export function formerStores({ textType: text }: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('feed')
        .addColumn('former_ids', text, (it) => it.notNull().defaultTo('[]'))
        .execute();
    },
  };
}
