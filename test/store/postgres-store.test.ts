import { openStores } from '../../src/store/open-store.ts';
import { mailboxStoreContract } from '../contract/mailbox-store/index.ts';
import { describePostgres, useDatabases } from '../postgres/database.ts';

describePostgres('the store in PostgreSQL', () => {
  const newDatabase = useDatabases();

  mailboxStoreContract({ name: 'PostgreSQL', open: async () => (await openStores(await newDatabase())).store });
});
