import { join } from 'node:path';
import { describe } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { openStores } from '../../src/store/open-store.ts';
import { credentialStoreContract } from '../contract/credential-store-contract.ts';
import { mailboxStoreContract } from '../contract/mailbox-store/index.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { inFolder } from '../fixtures/store/outside-fixture.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

describePostgres('the store in PostgreSQL', () => {
  const newDatabase = useDatabases();

  mailboxStoreContract({
    name: 'PostgreSQL',
    open: async () => (await openStores(databaseAt(await newDatabase()))).store,
  });
  describe('beside files', () => {
    const folder = useFolder();
    mailboxStoreContract({
      name: 'PostgreSQL with all bodies in a folder',
      open: async () =>
        (await openStores(databaseAt(await newDatabase()), { bodies: inFolder(join(folder(), 'bodies')) })).store,
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
