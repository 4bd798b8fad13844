import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** Subscriptions, how far each of them is in each mailbox, and deliveries that were parked. */
export function subscriptionTables(dialect: StoreDialect): Migration {
  const { integerType: integer, textType: text } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('subscriptions')
        .addColumn('name', text, (it) => it.primaryKey())
        .addColumn('filter', text, (it) => it.notNull())
        .addColumn('batch', integer, (it) => it.notNull())
        .addColumn('delivery_order', text, (it) => it.notNull())
        .addColumn('created_at', integer, (it) => it.notNull())
        .addColumn('ended_at', integer)
        .addColumn('ended_reason', text)
        .execute();

      const positions = db.schema
        .createTable('delivery_positions')
        .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key'))
        .addColumn('subscription', text, (it) => it.notNull())
        .addColumn('sequence', integer, (it) => it.notNull())
        .addColumn('replays', integer, (it) => it.notNull().defaultTo(0))
        .addColumn('delivered', integer, (it) => it.notNull().defaultTo(0))
        .addColumn('accepted_at', integer)
        .addColumn('delivery_id', text)
        .addColumn('sequences', text)
        .addColumn('single_until', integer, (it) => it.notNull().defaultTo(0))
        .addColumn('attempts', integer, (it) => it.notNull().defaultTo(0))
        .addColumn('first_attempt_at', integer)
        .addColumn('next_attempt_at', integer)
        .addColumn('last_error', text)
        .addPrimaryKeyConstraint('delivery_positions_primary_key', ['mailbox_key', 'subscription']);
      await dialect.clustered(positions).execute();

      const parked = db.schema
        .createTable('parked_deliveries')
        .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key'))
        .addColumn('subscription', text, (it) => it.notNull())
        .addColumn('sequence', integer, (it) => it.notNull())
        .addColumn('delivery_id', text, (it) => it.notNull())
        .addColumn('attempts', integer, (it) => it.notNull())
        .addColumn('error', text, (it) => it.notNull())
        .addColumn('parked_at', integer, (it) => it.notNull())
        .addPrimaryKeyConstraint('parked_deliveries_primary_key', ['mailbox_key', 'subscription', 'sequence']);
      await dialect.clustered(parked).execute();
    },
  };
}
