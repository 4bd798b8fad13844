import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * What is known of the account behind a mailbox's credentials, and the address that the mailbox had before it was
 * renamed.
 */
export function accountColumns(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('mailboxes').addColumn('account', dialect.textType).execute();
      await db.schema.alterTable('mailboxes').addColumn('renamed_from', dialect.textType).execute();
    },
  };
}
