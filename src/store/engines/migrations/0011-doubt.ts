import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * What one answer of Gmail's must not decide: doubts about a listing, labels that are no longer named, bodies of
 * messages that look deleted.
 */
export function doubtColumns(dialect: StoreDialect): Migration {
  const { integerType: integer, textType: text } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('mailboxes').addColumn('doubt', text).execute();
      await db.schema.alterTable('labels').addColumn('unlisted_since', integer).execute();
      await db.schema.alterTable('labels').addColumn('ask_at', integer).execute();
      await db.schema.alterTable('messages').addColumn('buried_at', integer).execute();
      await db.schema
        .createIndex('messages_buried')
        .on('messages')
        .columns(['buried_at'])
        .where('buried_at', 'is not', null)
        .execute();
    },
  };
}
