/** Stores one message after the other, each with its body outside, and tells its parent of each, until it is killed. */
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { reading } from '../../fixtures/store/contract-messages.ts';
import { alice, inFolder } from '../../fixtures/store/outside-fixture.ts';

const [path = '', folder = ''] = process.argv.slice(2);
const store = await openSqliteStore({ path, bodies: inFolder(folder) });
for (let count = 1; count <= 100_000; count += 1) {
  await store.saveFetched({
    mailbox: alice,
    messages: [reading(`m${count}`), reading(`n${count}`, { body: `shared ${count % 3}` })],
    format: 'full',
    now: 1_000,
  });
  process.send?.(count);
}
