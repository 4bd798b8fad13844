import { join } from 'node:path';
import { describe } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { mailboxStoreContract } from '../contract/mailbox-store/index.ts';
import { openMemoryStore, putMigratedFile } from '../fixtures/store/migrated-sqlite.ts';
import { inFolder } from '../fixtures/store/outside-fixture.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

mailboxStoreContract({ name: 'SQLite in memory', open: () => openMemoryStore() });

describe('with files', () => {
  const folder = useFolder();

  mailboxStoreContract({
    name: 'a SQLite file',
    open: async () => {
      const path = join(folder(), 'mirror.db');
      await putMigratedFile(path);
      return openSqliteStore({ path });
    },
  });
  mailboxStoreContract({
    name: 'SQLite with all bodies in a folder',
    open: () => openMemoryStore({ bodies: inFolder(join(folder(), 'bodies')) }),
  });
});
