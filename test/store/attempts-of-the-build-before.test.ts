import { afterEach, beforeEach, expect, it } from 'vitest';

import { mailboxId } from '../../src/model/ids.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import { asBuildBefore, begun, CRM } from '../fixtures/store/crm-deliveries.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const NAMED = { subscription: 'crm', mailbox: mailboxId('ada@example.com') };

let stores: Stores;
let mailbox: TestMailbox;
beforeEach(async () => {
  stores = await openMemoryStores();
  mailbox = new TestMailbox(stores.store, NAMED.mailbox);
  await mailbox.put();
  await mailbox.sync([reading('a'), reading('b')]);
  const definition = { ...CRM, batch: 1 };
  await stores.store.putSubscription({ definition, beginning: { kind: 'first' }, now: 1 });
});
afterEach(() => closeStores(stores));

async function unended(): Promise<number | null> {
  const next = await stores.store.nextDelivery({ ...NAMED, now: mailbox.now });
  return next.kind === 'fixed' ? next.delivery.unended : null;
}

/** Writes what a worker of the build before writes, which knows nothing of unended attempts. */
const before = (values: Parameters<typeof asBuildBefore>[1]) => asBuildBefore(stores.database, values);

it('a delivery accepted by a worker of the build before leaves no count for the next one', async () => {
  await begun(mailbox);
  await begun(mailbox);
  expect(await unended()).toBe(2);
  await before({ sequence: 1, delivery_id: null, sequences: null, attempts: 0 });
  await before({ delivery_id: 'dlv_before', sequences: '[2]', attempts: 1 });
  expect(await unended()).toBe(0);
  expect(await begun(mailbox)).toMatchObject({ id: 'dlv_before', attempt: 2 });
  expect(await unended()).toBe(1);
});

it('attempts of a worker of the build before count neither as ended nor as unended', async () => {
  const { id } = await begun(mailbox);
  await before({ delivery_id: id, sequences: '[1]', attempts: 5 });
  expect(await unended()).toBe(1);
  const { attempt } = await begun(mailbox);
  expect([attempt, await unended()]).toEqual([6, 2]);
  await stores.store.acceptDelivery({ ...NAMED, id, now: mailbox.now });
  expect((await begun(mailbox)).changes).toMatchObject([{ sequence: 2 }]);
  expect(await unended()).toBe(1);
});
