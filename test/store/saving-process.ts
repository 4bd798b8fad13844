/** Stores one message in the file that it is given, and prints what became of it. */
import { mailboxId } from '../../src/model/ids.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { StoreError } from '../../src/store/engines/store-error.ts';
import { reading } from '../fixtures/store/contract-messages.ts';

try {
  const store = await openSqliteStore({ path: process.argv[2] ?? '' });
  await store.saveFetched({
    mailbox: mailboxId('alice@example.com'),
    messages: [reading('b')],
    format: 'full',
    now: 1,
  });
  await store.close();
  console.log('saved');
} catch (error) {
  console.log(error instanceof StoreError ? `${error.failure.kind}: ${error.message}` : `defect: ${String(error)}`);
}
