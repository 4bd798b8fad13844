import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * Units that a mailbox spent on its last Pacific day: a row per mailbox, summed over all when a backfill asks what is
 * left of the day.
 */
export function dayUsage(dialect: StoreDialect): Migration {
  const { integerType: integer } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      const table = db.schema
        .createTable('day_usage')
        .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key'))
        .addColumn('day', dialect.textType, (it) => it.notNull())
        .addColumn('units', integer, (it) => it.notNull())
        .addPrimaryKeyConstraint('day_usage_primary_key', ['mailbox_key']);
      await dialect.clustered(table).execute();
    },
  };
}
