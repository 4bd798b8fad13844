import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { mailboxStoreContract } from '../contract/mailbox-store/index.ts';
import { inFolder } from '../fixtures/store/outside-fixture.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const folder = useFolder();

mailboxStoreContract({ name: 'SQLite in memory', open: () => openSqliteStore({ path: ':memory:' }) });
mailboxStoreContract({ name: 'a SQLite file', open: () => openSqliteStore({ path: join(folder(), 'mirror.db') }) });
mailboxStoreContract({
  name: 'SQLite with all bodies in a folder',
  open: () => openSqliteStore({ path: ':memory:', bodies: inFolder(join(folder(), 'bodies')) }),
});
