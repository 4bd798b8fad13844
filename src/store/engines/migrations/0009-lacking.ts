import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/** What stored messages lack, because Gmail does not give it. Few do, so the index that counts them is small. */
export function lackingColumn(dialect: StoreDialect): Migration {
  const { textType: text } = dialect;
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('messages').addColumn('lacks', text).execute();
      await sql`create index messages_lacking on messages (mailbox_key, lacks) where lacks is not null`.execute(db);
    },
  };
}
