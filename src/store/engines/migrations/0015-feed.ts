import { randomBytes } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** One numbering over the changes of all mailboxes: see store/feed/number-changes.ts. */
export function feedTables(dialect: StoreDialect): Migration {
  const { integerType: integer, textType: text } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('feed')
        .addColumn('key', integer, (it) => it.primaryKey())
        .addColumn('id', text, (it) => it.notNull())
        .addColumn('position', integer, (it) => it.notNull())
        .addColumn('pruned_position', integer, (it) => it.notNull())
        .execute();
      await sql`insert into ${sql.table('feed')} (key, id, position, pruned_position)
        values (1, ${randomBytes(8).toString('hex')}, 0, 0)`.execute(db);

      await dialect
        .clustered(
          db.schema
            .createTable('feed_segments')
            .addColumn('position', integer, (it) => it.primaryKey())
            .addColumn('changes_of', integer, (it) => it.notNull())
            .addColumn('first_sequence', integer, (it) => it.notNull())
            .addColumn('last_sequence', integer, (it) => it.notNull())
            .addColumn('tag', text, (it) => it.notNull()),
        )
        .execute();
      await db.schema
        .createIndex('feed_segments_of_mailbox')
        .on('feed_segments')
        .columns(['changes_of', 'position'])
        .execute();

      await dialect
        .clustered(
          db.schema
            .createTable('feed_mailboxes')
            .addColumn('mailbox_key', integer, (it) => it.primaryKey())
            .addColumn('sequence', integer, (it) => it.notNull())
            .addColumn('pruned_position', integer, (it) => it.notNull()),
        )
        .execute();
      await db.schema
        .alterTable('mailboxes')
        .addColumn('pruned_sequence', integer, (it) => it.notNull().defaultTo(0))
        .execute();
    },
  };
}
