import { expect, it, onTestFinished } from 'vitest';

import { fetchSlice } from '../../src/activities/fetch-slice.ts';
import { SliceBudgets } from '../../src/activities/slice-budgets.ts';
import { slicesPerSecond, sliceUnits, smallSlicesPerSecond, smallSliceUnits } from '../../src/activities/slice-rate.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';
import { ADA, RUN, RunningMailbox } from './running-mailbox.ts';

/** Receives messages that are listed, and not yet fetched. */
async function receivePending(ada: RunningMailbox, count: number): Promise<void> {
  const messages = ada.receive(count).map((id) => ({ id: id as never, threadId: id as never }));
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
}

it.each([0, 0.2])(
  "Slices at the rate of the backfill queue spend at least 9/10 of the project's quota (share of rejected calls: %d)",
  async (probability) => {
    const ada = await RunningMailbox.open({ format: 'raw' });
    onTestFinished(() => ada.close());
    await ada.settle();
    await receivePending(ada, 1_700);
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

const PRICES = PRICE_TABLES['2026'];
const MINUTE = 60_000;

it.each([
  [1_200_000, 1_000, 9.5],
  [60_000, 500, 0.95],
  [6_000, 200, 0.2],
])(
  "A project's quota of %d units a minute gives small slices of %d units, at least %d a second",
  (projectUnitsPerMinute, units, perSecond) => {
    expect(smallSliceUnits({ projectUnitsPerMinute })).toBe(units);
    expect(smallSlicesPerSecond({ projectUnitsPerMinute })).toBeGreaterThanOrEqual(perSecond);
  },
);

/** A minute of slices of full size at the rate of their queue, beside a minute's small slices that spend `spent`. */
function minuteOfSlices(budgets: SliceBudgets, { from, spent }: { from: number; spent: number }): number {
  const count = Math.floor(slicesPerSecond(PRICES) * 60);
  let units = 0;
  for (let slice = 0; slice < count; slice++) {
    const clock = { now: () => from + (slice * MINUTE) / count };
    budgets.smallEnded(spent / count, { clock } as never);
    units += budgets.begin({ isSmall: false, prices: PRICES, clock: clock as never });
  }
  return units;
}

it('Small slices and slices of full size together keep the quota, once a minute of both has passed', () => {
  const budgets = new SliceBudgets();
  const spent = smallSlicesPerSecond(PRICES) * smallSliceUnits(PRICES) * 60;
  minuteOfSlices(budgets, { from: 0, spent });
  const large = minuteOfSlices(budgets, { from: MINUTE, spent });
  expect(large + spent).toBeLessThanOrEqual(PRICES.projectUnitsPerMinute);
  expect(large + spent).toBeGreaterThan(0.9 * PRICES.projectUnitsPerMinute);
});

it('Slices of full size have the whole quota again a minute after the last small one', () => {
  const budgets = new SliceBudgets();
  minuteOfSlices(budgets, { from: 0, spent: 500_000 });
  expect(minuteOfSlices(budgets, { from: 2 * MINUTE, spent: 0 })).toBeGreaterThan(0.9 * PRICES.projectUnitsPerMinute);
});

it('A slice of full size keeps a third of its units beside any number of small ones', () => {
  const budgets = new SliceBudgets();
  const clock = { now: () => 0 } as never;
  budgets.smallEnded(10 * PRICES.projectUnitsPerMinute, { clock });
  expect(budgets.begin({ isSmall: false, prices: PRICES, clock })).toBe(10_000);
});

it('A small slice ends within its units, and the rest of the messages wait for the next', async () => {
  const ada = await RunningMailbox.open({ format: 'raw' });
  onTestFinished(() => ada.close());
  await ada.settle();
  await receivePending(ada, 200);
  const before = ada.units();
  const slice = fetchSlice(ada.deps, { mailbox: ADA, isSmall: true }, RUN);
  await ada.run(MINUTE);
  const { pending, complete } = await slice;
  expect(ada.units() - before).toBeLessThanOrEqual(1_000);
  expect(ada.units() - before).toBeGreaterThan(900);
  expect(complete).toBe(false);
  expect(pending).toBeGreaterThan(140);
});
