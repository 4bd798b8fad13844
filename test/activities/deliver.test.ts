import { ActivityCancellationDetails } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { createDeliveryActivities } from '../../src/activities/create-activities.ts';
import { DeliverySlots } from '../../src/deliveries/delivery-slots.ts';
import { handlerTargets } from '../../src/deliveries/handler-target.ts';
import type { Handlers } from '../../src/deliveries/handler.ts';
import { registerHandlers } from '../../src/deliveries/register-handlers.ts';
import { systemClock as clock } from '../../src/host/system-clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';
import { readerOf } from '../../src/reading/open-reader.ts';
import { Bodies } from '../../src/store/bodies/bodies.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const ADA = mailboxId('ada@example.com');

let stores: Stores;
beforeEach(async () => {
  stores = await openMemoryStores();
  const mailbox = new TestMailbox(stores.store, ADA);
  await mailbox.put();
  await mailbox.sync([reading('a')]);
});
afterEach(() => closeStores(stores));

/** Delivers as a worker does, to a handler that ends only when its attempt is cancelled. */
async function cancelled(...cancellation: Parameters<MockActivityEnvironment['cancel']>): Promise<void> {
  const { store, database } = stores;
  const called = Promise.withResolvers<undefined>();
  const handlers: Handlers = {
    crm: {
      beginning: { kind: 'first' },
      handle: async (_, { signal }) => {
        called.resolve(undefined);
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
      },
    },
  };
  await registerHandlers({ store, clock, handlers, isPostgres: false });
  const means = { store, clock, reader: readerOf(database, new Bodies(database)) };
  const { deliver } = createDeliveryActivities(
    { ...means, prices: PRICE_TABLES['2026'], openSession: () => Promise.reject(new Error('no Gmail is needed')) },
    {
      ...means,
      changes: database.changes,
      to: 'handler',
      targetOf: handlerTargets(means, handlers),
      slots: new DeliverySlots(),
    },
  );
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const run = environment.run(() => deliver({ mailbox: ADA }));
  await called.promise;
  environment.cancel(...cancellation);
  await expect(run).rejects.toThrow(cancellation[0] ?? '');
}

const unended = async (): Promise<number | null> => {
  const next = await stores.store.nextDelivery({ mailbox: ADA, subscription: 'crm', now: clock.now() });
  return next.kind === 'fixed' ? next.delivery.unended : null;
};

it.each([
  ['the worker shuts down', 'WORKER_SHUTDOWN', { workerShutdown: true }],
  ['the mailbox is paused', 'CANCELLED', { cancelRequested: true }],
  ['an operator pauses the activity', 'PAUSED', { paused: true }],
  ['an operator resets the activity', 'RESET', { reset: true }],
] as const)('an attempt is not counted against its delivery when %s', async (_, reason, details) => {
  await cancelled(reason, new ActivityCancellationDetails(details));
  expect(await unended()).toBe(0);
});

it.each([
  ['no longer waits for it', 'NOT_FOUND', { notFound: true }],
  ['missed its heartbeats', 'TIMED_OUT', { timedOut: true }],
] as const)('an attempt counts as one that did not end when the server %s', async (_, reason, details) => {
  await cancelled(reason, new ActivityCancellationDetails(details));
  expect(await unended()).toBe(1);
});
