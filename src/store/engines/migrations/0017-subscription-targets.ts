import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** Who gets the changes of a subscription, as JSON. Earlier subscriptions have handlers. */
export function subscriptionTargets({ textType: text }: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('subscriptions')
        .addColumn('target', text, (it) => it.notNull().defaultTo('{"kind":"handler"}'))
        .execute();
    },
  };
}
