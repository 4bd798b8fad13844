import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import type { BodyOptions } from '../../src/store/bodies/open-body-store.ts';
import type { StoreDatabase } from '../../src/store/engines/store-database.ts';
import { openStores } from '../../src/store/open-store.ts';
import { createSqlMailboxStore } from '../../src/store/sql-mailbox-store.ts';
import { credentialStoreContract } from '../contract/credential-store-contract.ts';
import { mailboxStoreContract } from '../contract/mailbox-store/index.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { inFolder } from '../fixtures/store/outside-fixture.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import type { TestedStore } from '../fixtures/store/tested-store.ts';

describePostgres('the store in PostgreSQL', () => {
  const newDatabase = useDatabases();
  const openStore = useLastingConnections(newDatabase);

  mailboxStoreContract({ name: 'PostgreSQL', open: () => openStore() });
  describe('beside files', () => {
    const folder = useFolder();
    mailboxStoreContract({
      name: 'PostgreSQL with all bodies in a folder',
      open: () => openStore(inFolder(join(folder(), 'bodies'))),
    });
  });
  credentialStoreContract({
    name: 'PostgreSQL',
    open: async () => {
      const { store, credentials } = await openStores(databaseAt(await newDatabase()));
      return { credentials, close: () => store.close() };
    },
  });
});

/**
 * A new store for each test, over connections that outlast it: a database that was emptied comes back at the same
 * address. Connecting, and looking whether the tables are there, would take two thirds of the server's time.
 */
function useLastingConnections(newDatabase: () => Promise<string>): (bodies?: BodyOptions) => Promise<TestedStore> {
  const connected = new Map<string, StoreDatabase>();
  afterAll(async () => {
    for (const database of connected.values()) await database.close();
  });
  return async (bodies) => {
    const url = await newDatabase();
    const database = connected.get(url) ?? (await openStores(databaseAt(url))).database;
    connected.set(url, database);
    return createSqlMailboxStore(
      {
        dialect: database.dialect,
        name: database.name,
        changes: database.changes,
        read: (work) => database.read(work),
        write: (work) => database.write(work),
        breathe: () => database.breathe(),
        close: async () => undefined,
      },
      bodies,
    );
  };
}
