import { expect, it, onTestFinished } from 'vitest';

import { fetchSlice } from '../../src/activities/fetch-slice.ts';
import { slicesPerSecond, sliceUnits } from '../../src/activities/slice-rate.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';
import { ADA, RUN, RunningMailbox } from './running-mailbox.ts';

it.each([0, 0.2])(
  "Slices at the rate of the backfill queue spend at least 9/10 of the project's quota (share of rejected calls: %d)",
  async (probability) => {
    const ada = await RunningMailbox.open({ format: 'raw' });
    onTestFinished(() => ada.close());
    await ada.settle();
    // Messages that are listed, and not yet fetched.
    const messages = ada.receive(1_700).map((id) => ({ id: id as never, threadId: id as never }));
    ada.lanes.dispatch({ kind: 'paused' });
    const row = await ada.stores.store.getMailbox(ADA);
    const progress = {
      ...row?.fullSync,
      generation: 2,
      step: 'listing',
      pass: 0,
      listing: 0,
      pageToken: null,
      position: 0,
    } as never;
    await ada.stores.store.beginFullSync({
      mailbox: ADA,
      generation: 2,
      startHistoryId: row?.historyId ?? ('1' as never),
      now: ada.clock.now(),
    });
    await ada.stores.store.saveListingPage({
      mailbox: ADA,
      generation: 2,
      messages,
      position: 0,
      progress,
      now: ada.clock.now(),
    });
    const before = ada.units();
    if (probability > 0)
      ada.simulator.faults.add({
        match: { method: 'messages.get' },
        effect: { kind: 'status', status: 429 },
        probability,
        times: 300,
      });
    const slice = fetchSlice(ada.deps, { mailbox: ADA }, RUN);
    await ada.run(10 * 60_000);
    await slice;
    const spent = ada.units() - before;
    const perMinute = spent * slicesPerSecond(PRICE_TABLES['2026']) * 60;
    expect(perMinute).toBeGreaterThan(0.9 * PRICE_TABLES['2026'].projectUnitsPerMinute);
    expect(perMinute).toBeLessThanOrEqual(1.0 * PRICE_TABLES['2026'].projectUnitsPerMinute);
  },
);

it.each([
  [1_200_000, 30_000],
  [60_000, 2_000],
  [6_000, 200],
])(
  "A project's quota of %d units a minute gives slices of %d units, at least 28 a minute",
  (projectUnitsPerMinute, units) => {
    expect(sliceUnits({ projectUnitsPerMinute })).toBe(units);
    expect(slicesPerSecond({ projectUnitsPerMinute }) * 60).toBeGreaterThanOrEqual(28.5);
  },
);
