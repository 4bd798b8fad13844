import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { MAIL_VIEWS_SCHEMA, type StoreDialect } from '../dialect.ts';
import { postgresMailViews, sqliteMailViews } from '../mail-views.ts';

/**
 * A table of what people look for in a message (subject, sender, recipients, dates), the order by date, and the views
 * that show both. Messages that were stored before are described in the background; an index finds them.
 */
export function messageHeaders(dialect: StoreDialect): Migration {
  const { integerType: integer, textType: text } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      const table = db.schema
        .createTable('message_headers')
        .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key'))
        .addColumn('message_id', text, (it) => it.notNull())
        .addColumn('subject', text)
        .addColumn('from_name', text)
        .addColumn('from_address', text)
        .addColumn('recipients', text, (it) => it.notNull())
        .addColumn('sent_at', integer)
        .addColumn('rfc822_id', text)
        .addColumn('has_attachments', integer)
        .addPrimaryKeyConstraint('message_headers_primary_key', ['mailbox_key', 'message_id']);
      await dialect.clustered(table).execute();

      await db.schema
        .alterTable('messages')
        .addColumn('described', integer, (it) => it.notNull().defaultTo(0))
        .execute();
      await sql`create index messages_to_describe on messages (mailbox_key, id) where described = 0 and format
        is not null`.execute(db);
      await sql`create index messages_by_date on messages (mailbox_key, (coalesce(internal_date, 0)), id) where
        state = 'stored'`.execute(db);

      if (dialect.name === 'postgres') await db.schema.createSchema(MAIL_VIEWS_SCHEMA).ifNotExists().execute();
      for (const view of dialect.name === 'postgres' ? postgresMailViews() : sqliteMailViews())
        await sql.raw(view).execute(db);
    },
  };
}
