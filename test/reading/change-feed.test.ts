import { join } from 'node:path';
import { databaseAt } from '../../src/model/database-location.ts';
import { openStores } from '../../src/store/open-store.ts';
import { changeFeedContract, type FeedFixture } from './change-feed-contract.ts';
import { cursorBeginningsContract } from './cursor-beginnings-contract.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const folder = useFolder();

const fixture: FeedFixture = {
  name: 'SQLite',
  open: () => openStores(databaseAt(`sqlite:${join(folder(), 'mirror.db')}`)),
};
changeFeedContract(fixture);
cursorBeginningsContract(fixture);
