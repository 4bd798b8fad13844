import { afterEach } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { openStores } from '../../src/store/open-store.ts';
import { changeFeedContract, type FeedFixture } from './change-feed-contract.ts';
import { cursorBeginningsContract } from './cursor-beginnings-contract.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';

describePostgres('the change feed in PostgreSQL', () => {
  const newDatabase = useDatabases();
  let url: string | null = null;
  afterEach(() => {
    url = null;
  });

  const fixture: FeedFixture = {
    name: 'PostgreSQL',
    open: async () => openStores(databaseAt((url ??= await newDatabase()))),
  };
  changeFeedContract(fixture);
  cursorBeginningsContract(fixture);
});
