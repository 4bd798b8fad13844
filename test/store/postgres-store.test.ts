import { openStores } from '../../src/store/open-store.ts';
import { credentialStoreContract } from '../contract/credential-store.ts';
import { mailboxStoreContract } from '../contract/mailbox-store/index.ts';
import { describePostgres, useDatabases } from '../postgres/database.ts';

describePostgres('the store in PostgreSQL', () => {
  const newDatabase = useDatabases();

  mailboxStoreContract({ name: 'PostgreSQL', open: async () => (await openStores(await newDatabase())).store });
  credentialStoreContract({
    name: 'PostgreSQL',
    open: async () => {
      const { store, credentials } = await openStores(await newDatabase());
      return { credentials, close: () => store.close() };
    },
  });
});
