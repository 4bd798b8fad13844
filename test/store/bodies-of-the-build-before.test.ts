import { afterEach, beforeEach, expect, it } from 'vitest';

import { mailboxId } from '../../src/model/ids.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import { deleted, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const DAY = 24 * 60 * 60_000;

let stores: Stores;
let mailbox: TestMailbox;
beforeEach(async () => {
  stores = await openMemoryStores();
  mailbox = new TestMailbox(stores.store, mailboxId('ada@example.com'));
  await mailbox.put();
  await mailbox.sync([reading('back'), reading('gone')]);
  await mailbox.applyTwice([record(101, deleted('back'), deleted('gone'))]);
});
afterEach(() => closeStores(stores));

it('a message that a worker of the build before brought back keeps its body', async () => {
  // A worker of the build before does not know the time since which a message is gone. Bringing the message back while
  // its body is being dropped leaves the same row.
  await stores.database.write((tx) =>
    tx.updateTable('messages').set({ state: 'stored' }).where('id', '=', 'back').execute(),
  );
  expect(await stores.store.dropBuriedBodies({ now: mailbox.now + 2 * DAY, grace: DAY })).toBe(1);
  expect(await mailbox.message('back')).toMatchObject({ format: 'full', body: Buffer.from('body of back') });
  expect(await stores.store.dropBuriedBodies({ now: mailbox.now + 9 * DAY, grace: 0 })).toBe(0);
  expect(await mailbox.message('back')).toMatchObject({ body: Buffer.from('body of back') });
});
