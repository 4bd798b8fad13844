import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { expect, it } from 'vitest';

import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const folder = useFolder();

it('a check of an open store fails once a newer program has migrated its database', async () => {
  const path = join(folder(), 'mirror.db');
  const store = await openSqliteStore({ path });
  try {
    await expect(store.check()).resolves.toBeUndefined();
    const other = new DatabaseSync(path);
    other.exec("insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01')");
    other.close();
    await expect(store.check()).rejects.toMatchObject({ failure: { kind: 'newer-schema' } });
  } finally {
    await store.close();
  }
});
