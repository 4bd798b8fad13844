/** Stores one message after the other and tells its parent of each that was stored, until it is killed. */
import { mailboxId } from '../../src/model/ids.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { reading } from '../fixtures/store/contract-messages.ts';

const store = await openSqliteStore({ path: process.argv[2] ?? '' });
for (let count = 1; count <= 100_000; count += 1) {
  await store.saveFetched({
    mailbox: mailboxId('alice@example.com'),
    messages: [reading(`m${count}`)],
    format: 'full',
    now: count,
  });
  process.send?.(count);
}
