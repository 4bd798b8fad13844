import { afterEach, beforeEach, expect, it } from 'vitest';

import { fullSync } from '../../src/activities/full-sync.ts';
import { noTelemetry, type Telemetry } from '../../src/model/telemetry.ts';
import { ADA, RUN, RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'full' });
});
afterEach(() => ada.close());

/** Lists a mailbox for the first time; answers how many doubted listings were counted. */
async function doubtsCounted(): Promise<number> {
  let counted = 0;
  const telemetry: Telemetry = {
    ...noTelemetry,
    add: (name, value) => void (counted += name === 'tidemark_listings_doubted_total' ? value : 0),
  };
  const { settings } = ada.lanes.state;
  await ada.stores.store.putMailbox({ mailbox: ADA, settings, now: ada.clock.now() });
  await ada.clock.during(fullSync({ ...ada.deps, telemetry }, { mailbox: ADA, settings, generation: 1 }, RUN));
  return counted;
}

it('A listing that ends in doubt is counted for the alert', async () => {
  ada.receive(30);
  ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'empty-page' } });
  expect(await doubtsCounted()).toBe(1);
  expect((await ada.stores.store.getMailbox(ADA))?.doubt).toMatchObject({ uncounted: 30 });
});

it('A listing that is believed is not counted for the alert', async () => {
  ada.receive(30);
  expect(await doubtsCounted()).toBe(0);
});
