import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** What differed in a change, and whether a message is gone because it was deleted or because the scope left it out. */
export function changeDetails({ textType: text }: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      for (const column of ['added', 'removed', 'why'])
        await db.schema.alterTable('changes').addColumn(column, text).execute();
      await db.schema.alterTable('messages').addColumn('gone_because', text).execute();
      // Counted for each `status`. A worker of an earlier version may leave the column set in a row whose message is
      // back.
      await db.schema
        .createIndex('messages_left_by_scope')
        .on('messages')
        .columns(['mailbox_key'])
        .where(sql<boolean>`state = 'gone' and gone_because = 'excluded'`)
        .execute();
    },
  };
}
