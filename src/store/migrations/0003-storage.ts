import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * How PostgreSQL keeps bodies, which come compressed: it need not try again (`external`), and one of up to 8 KB stays in its row, where it is written
 * and read at once. Measured by `npm run bench -- postgres-bulk`.
 */
export function bodyStorage(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      if (dialect.name !== 'postgres') return;
      await sql`alter table bodies alter column body set storage external`.execute(db);
      await sql`alter table bodies set (toast_tuple_target = 8160)`.execute(db);
    },
  };
}
