import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** What an audit listed, while it compares, and what the last one found. */
export function auditTables(dialect: StoreDialect): Migration {
  const { integerType: integer, textType: text } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('mailboxes').addColumn('audit', text).execute();
      const table = db.schema
        .createTable('audit_listings')
        .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key'))
        .addColumn('audit', integer, (it) => it.notNull())
        .addColumn('message_id', text, (it) => it.notNull())
        .addColumn('label_id', text, (it) => it.notNull())
        .addPrimaryKeyConstraint('audit_listings_primary_key', ['mailbox_key', 'audit', 'message_id', 'label_id']);
      await dialect.clustered(table).execute();
    },
  };
}
