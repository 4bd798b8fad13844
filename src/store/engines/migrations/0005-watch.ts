import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** The watch that Gmail was asked for. */
export function watchColumn(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('mailboxes').addColumn('watch', dialect.textType).execute();
    },
  };
}
