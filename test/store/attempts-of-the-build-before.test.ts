import { afterEach, beforeEach, expect, it } from 'vitest';

import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { EVERY_CHANGE } from '../../src/model/subscription.ts';
import { closeStores, openStores, type Stores } from '../../src/store/open-store.ts';
import type { BegunDelivery } from '../../src/store/subscriptions/subscription-store.ts';
import { beginNext } from '../fixtures/store/begin-next.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';

const NAMED = { subscription: 'crm', mailbox: mailboxId('ada@example.com') };

let stores: Stores;
let mailbox: TestMailbox;
beforeEach(async () => {
  stores = await openStores(databaseAt('sqlite::memory:'));
  mailbox = new TestMailbox(stores.store, NAMED.mailbox);
  await mailbox.put();
  await mailbox.sync([reading('a'), reading('b')]);
  const definition = {
    name: 'crm',
    target: { kind: 'handler' },
    filter: EVERY_CHANGE,
    batch: 1,
    order: { kind: 'park', attempts: null },
  } as const;
  await stores.store.putSubscription({ definition, beginning: { kind: 'first' }, now: 1 });
});
afterEach(() => closeStores(stores));

async function begun(): Promise<BegunDelivery> {
  const step = await beginNext(stores.store, { ...NAMED, now: mailbox.now });
  if (step.kind !== 'begun') throw new Error(`no delivery begins: ${step.kind}`);
  return step.delivery;
}

async function unended(): Promise<number | null> {
  const next = await stores.store.nextDelivery({ ...NAMED, now: mailbox.now });
  return next.kind === 'fixed' ? next.delivery.unended : null;
}

/** What a worker of the build before writes: it knows nothing of attempts that did not end. */
const asBuildBefore = (values: {
  readonly sequence?: number;
  readonly delivery_id: string | null;
  readonly sequences: string | null;
  readonly attempts: number;
}) =>
  stores.database.write((tx) =>
    tx.updateTable('delivery_positions').set(values).where('subscription', '=', 'crm').execute(),
  );

it('what such a worker accepts leaves no count for the delivery that it begins then', async () => {
  await begun();
  await begun();
  expect(await unended()).toBe(2);
  await asBuildBefore({ sequence: 1, delivery_id: null, sequences: null, attempts: 0 });
  await asBuildBefore({ delivery_id: 'dlv_before', sequences: '[2]', attempts: 1 });
  expect(await unended()).toBe(0);
  expect(await begun()).toMatchObject({ id: 'dlv_before', attempt: 2 });
  expect(await unended()).toBe(1);
});

it('what such a worker attempts counts neither as ended nor as unended', async () => {
  const { id } = await begun();
  await asBuildBefore({ delivery_id: id, sequences: '[1]', attempts: 5 });
  expect(await unended()).toBe(1);
  const { attempt } = await begun();
  expect([attempt, await unended()]).toEqual([6, 2]);
  await stores.store.acceptDelivery({ ...NAMED, id, now: mailbox.now });
  expect((await begun()).changes).toMatchObject([{ sequence: 2 }]);
  expect(await unended()).toBe(1);
});
