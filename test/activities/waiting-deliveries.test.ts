import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { createActivities } from '../../src/activities/create-activities.ts';
import type { OfWorker } from '../../src/activities/requests.ts';
import { CRM } from '../fixtures/store/crm-deliveries.ts';
import { ADA, RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'full' });
  const now = ada.clock.now();
  await ada.stores.store.putSubscription({ definition: CRM, beginning: { kind: 'first' }, now });
});
afterEach(() => ada.close());

/** What the result of an activity says of the subscription's next attempt. */
async function reported(): Promise<OfWorker> {
  const activities = createActivities(ada.deps);
  const { settings } = ada.lanes.state;
  let result: OfWorker = {};
  await ada.clock.during(
    new MockActivityEnvironment().run(async () => {
      result = await activities.openMailbox({ mailbox: ADA, settings });
    }),
  );
  return result;
}

it('an activity reports when the next attempt of a delivery is due, and nothing of one that is due now', async () => {
  const postpone = (milliseconds: number) =>
    ada.stores.store.postponeDelivery({
      mailbox: ADA,
      subscription: CRM.name,
      until: ada.clock.now() + milliseconds,
      reason: 'it fails',
    });
  await reported();
  await postpone(90_000);
  const { handlerIn, webhookIn } = await reported();
  expect(handlerIn).toBeGreaterThan(80_000);
  expect(handlerIn).toBeLessThanOrEqual(90_000);
  expect(webhookIn).toBeUndefined();
  await postpone(0);
  expect(await reported()).not.toHaveProperty('handlerIn');
});
