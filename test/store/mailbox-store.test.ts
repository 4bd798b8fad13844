import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { mailboxStoreContract } from '../contract/mailbox-store/index.ts';

mailboxStoreContract({ name: 'SQLite in memory', open: () => openSqliteStore({ path: ':memory:' }) });
