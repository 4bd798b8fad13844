import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * Which bodies lack attachments. Those that were stored before do not tell: where attachments are wanted, such a
 * message is read once more.
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
