import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * Events of mailboxes, and how far each subscription is with them. They are apart from changes, so that a program of
 * the previous version, which may still run, neither delivers them as changes nor passes them over. Such a program may
 * remove a mailbox without knowing these tables, hence the cascades.
 */
export function eventTables(dialect: StoreDialect): Migration {
  const { integerType: integer, textType: text } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      const events = db.schema
        .createTable('mailbox_events')
        .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key').onDelete('cascade'))
        .addColumn('number', integer, (it) => it.notNull())
        .addColumn('id', text)
        .addColumn('after_sequence', integer, (it) => it.notNull())
        .addColumn('kind', text, (it) => it.notNull())
        .addColumn('message_id', text)
        .addColumn('code', text)
        .addColumn('reason', text)
        .addColumn('at', integer, (it) => it.notNull())
        .addPrimaryKeyConstraint('mailbox_events_primary_key', ['mailbox_key', 'number']);
      await dialect.clustered(events).execute();
      await db.schema
        .createIndex('mailbox_events_of_workflows')
        .on('mailbox_events')
        .columns(['mailbox_key', 'id'])
        .where(sql<boolean>`id is not null`)
        .unique()
        .execute();

      const parked = db.schema
        .createTable('parked_events')
        .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key').onDelete('cascade'))
        .addColumn('subscription', text, (it) => it.notNull())
        .addColumn('event', integer, (it) => it.notNull())
        .addColumn('delivery_id', text, (it) => it.notNull())
        .addColumn('attempts', integer, (it) => it.notNull())
        .addColumn('error', text, (it) => it.notNull())
        .addColumn('parked_at', integer, (it) => it.notNull())
        .addPrimaryKeyConstraint('parked_events_primary_key', ['mailbox_key', 'subscription', 'event']);
      await dialect.clustered(parked).execute();

      await db.schema
        .alterTable('mailboxes')
        .addColumn('event_sequence', integer, (it) => it.notNull().defaultTo(0))
        .execute();
      await db.schema
        .alterTable('delivery_positions')
        .addColumn('event', integer, (it) => it.notNull().defaultTo(0))
        .execute();
      await db.schema.alterTable('delivery_positions').addColumn('delivery_event', integer).execute();
    },
  };
}
