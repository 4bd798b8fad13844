import { afterEach, beforeEach, expect, it } from 'vitest';

import { deliverChanges, type DeliveredMailbox } from '../../src/deliveries/deliver-changes.ts';
import { DeliverySlots, SLOTS_PER_SUBSCRIPTION } from '../../src/deliveries/delivery-slots.ts';
import type { DeliveryTarget } from '../../src/deliveries/delivery-target.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import { beginNext } from '../fixtures/store/begin-next.ts';
import { CRM } from '../fixtures/store/crm-deliveries.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const ADA = mailboxId('ada@example.com');
const REFUSING: DeliveryTarget = { take: async () => ({ kind: 'failed', reason: 'it answered 500', asked: null }) };

let stores: Stores;
let slots: DeliverySlots;
beforeEach(async () => {
  stores = await openMemoryStores();
  slots = new DeliverySlots();
  const mailbox = new TestMailbox(stores.store, ADA);
  await mailbox.put();
  await mailbox.sync([reading('a')]);
  const now = systemClock.now();
  await stores.store.putSubscription({ definition: CRM, beginning: { kind: 'first' }, now });
});
afterEach(() => closeStores(stores));

const run = (target: DeliveryTarget | null): Promise<DeliveredMailbox> => {
  const { store, database } = stores;
  const deps = { store, changes: database.changes, clock: systemClock, to: 'handler', targetOf: () => target, slots };
  return deliverChanges({ ...deps, to: 'handler' }, ADA, { signal: new AbortController().signal });
};
const said = async (): Promise<string | null> => (await stores.store.readPositions('crm'))[0]?.error ?? null;

it('a delivery waits as "failing" after an attempt that failed', async () => {
  expect(await run(REFUSING)).toMatchObject({ waiting: [{ subscription: 'crm', why: 'failing' }] });
  expect(await said()).toBe('it answered 500');
});

it('a delivery waits as "no-handler" where the worker that took it has no handler', async () => {
  expect(await run(null)).toMatchObject({ waiting: [{ subscription: 'crm', why: 'no-handler' }] });
  expect(await said()).toBe(
    `The worker that took the deliveries of ${ADA} has no handler "crm". ` +
      'Start the program that has it, or end the subscription.',
  );
});

it('a delivery waits as "busy" where its worker makes as many attempts as it may', async () => {
  for (let taken = 0; taken < SLOTS_PER_SUBSCRIPTION; taken++) slots.take('crm');
  expect(await run(REFUSING)).toMatchObject({ waiting: [{ subscription: 'crm', why: 'busy' }] });
  expect(await said()).toBe('The worker makes as many attempts for crm as it may at a time.');
});

it('a delivery waits as "busy" where an earlier attempt did not end, so that others go first', async () => {
  const begun = await beginNext(stores.store, { mailbox: ADA, subscription: 'crm', now: systemClock.now() });
  expect(begun.kind).toBe('begun');
  expect(await run(REFUSING)).toMatchObject({ waiting: [{ subscription: 'crm', why: 'busy' }] });
  expect(await said()).toBe(
    'A worker ended, or stopped answering, while it handled this. Such deliveries are attempted one by one.',
  );
});
