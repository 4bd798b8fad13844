import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The watch that Gmail was asked for. */
export function watchColumn(): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('mailboxes').addColumn('watch', 'text').execute();
    },
  };
}
