import { join } from 'node:path';

import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';

import { openConnection } from '../../src/store/engines/sqlite-connection.ts';
import { translateSqliteError } from '../../src/store/engines/sqlite-errors.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

describe('a SQLite file on a full disk', () => {
  const folder = useFolder();

  it('is reported as full although SQLite has rolled back by itself, and works again when there is room', async () => {
    const path = join(folder(), 'full.db');
    const database = openConnection<{ mail: { body: string } }>(path);
    try {
      await sql`create table mail (body text)`.execute(database);
      await sql`pragma max_page_count = 4`.execute(database);
      const body = 'x'.repeat(100_000);
      const error: unknown = await database
        .transaction()
        .execute((tx) => tx.insertInto('mail').values({ body }).execute())
        .catch((thrown: unknown) => thrown);
      expect(translateSqliteError(error, path)).toMatchObject({
        failure: { kind: 'unavailable' },
        message: `The database ${path} could not be written: the disk is full; make room.`,
      });
      await sql`pragma max_page_count = 1000`.execute(database);
      await database.transaction().execute((tx) => tx.insertInto('mail').values({ body }).execute());
      expect(await database.selectFrom('mail').selectAll().execute()).toHaveLength(1);
    } finally {
      await database.destroy();
    }
  });
});
