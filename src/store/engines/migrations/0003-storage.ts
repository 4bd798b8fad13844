import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * What only PostgreSQL offers:
 * - Bodies come compressed, so PostgreSQL need not compress them again (`external`). A body of up to 8 KB stays in its
 *   row, where it is written and read at once (`npm run bench -- postgres-bulk` measures this).
 * - The work that is left is counted from its index only, which also holds the state
 *   (`npm run bench -- postgres-plans`).
 */
export function postgresStorage(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      if (dialect.name !== 'postgres') return;
      await sql`alter table bodies alter column body set storage external`.execute(db);
      await sql`alter table bodies set (toast_tuple_target = 8160)`.execute(db);
      await db.schema.dropIndex('messages_to_fetch').execute();
      await sql`create index messages_to_fetch on messages (mailbox_key, lane, next_attempt_at, rank) include
        (state) where lane is not null`.execute(db);
    },
  };
}
