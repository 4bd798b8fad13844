import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * Which bodies lack attachments. For bodies that were stored before, this is not known: where attachments are wanted,
 * their messages are read once more.
 */
export function attachmentColumns(dialect: StoreDialect): Migration {
  const { integerType: integer } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('messages').addColumn('attachments', integer).execute();
      await db.schema
        .alterTable('messages')
        .addColumn('attachments_held', integer, (it) => it.notNull().defaultTo(0))
        .execute();
    },
  };
}
