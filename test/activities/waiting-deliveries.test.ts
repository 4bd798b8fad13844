import { afterEach, beforeEach, expect, it } from 'vitest';

import { CRM } from '../fixtures/store/crm-deliveries.ts';
import { reportedBy } from './reported-by.ts';
import { ADA, RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'full' });
  const now = ada.clock.now();
  await ada.stores.store.putSubscription({ definition: CRM, beginning: { kind: 'first' }, now });
});
afterEach(() => ada.close());

it('an activity reports when the next attempt of a delivery is due, and nothing of one that is due now', async () => {
  const postpone = (milliseconds: number) =>
    ada.stores.store.postponeDelivery({
      mailbox: ADA,
      subscription: CRM.name,
      until: ada.clock.now() + milliseconds,
      reason: 'it fails',
    });
  await reportedBy(ada);
  await postpone(90_000);
  const { handlerIn, webhookIn } = await reportedBy(ada);
  expect(handlerIn).toBeGreaterThan(80_000);
  expect(handlerIn).toBeLessThanOrEqual(90_000);
  expect(webhookIn).toBeUndefined();
  await postpone(0);
  expect(await reportedBy(ada)).not.toHaveProperty('handlerIn');
});
