import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { mailboxStoreContract } from '../contract/mailbox-store/index.ts';
import { useFolder } from './folder.ts';

const folder = useFolder();

mailboxStoreContract({ name: 'SQLite in memory', open: () => openSqliteStore({ path: ':memory:' }) });
mailboxStoreContract({ name: 'a SQLite file', open: () => openSqliteStore({ path: join(folder(), 'mirror.db') }) });
