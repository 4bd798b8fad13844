import { afterEach, expect, it } from 'vitest';

import { PRICE_TABLES, pricesOverTime, type PriceTable } from '../../src/model/prices.ts';
import { simulatedWorker } from '../fixtures/gmail/simulated-worker.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
const MESSAGES = 6_000;

let ada: RunningMailbox;
afterEach(() => ada.close());

/** A backfill is under way at the prices of 2025 when Google ends them, a minute after it began. */
async function backfillOverTheDay(pricesOf: (end: number) => PriceTable) {
  let end = Number.POSITIVE_INFINITY;
  ada = await RunningMailbox.open(
    { format: 'raw' },
    { worker: (options) => simulatedWorker({ ...options, prices: pricesOf((end = options.clock.now() + MINUTE)) }) },
  );
  ada.simulator.changePrices('2025');
  ada.simulator.quota = { window: 'sliding-minute' };
  ada.receive(MESSAGES);
  const startedAt = ada.clock.now();
  await ada.run(end - startedAt - 1);
  const before = (await ada.counts()).stored;
  ada.simulator.changePrices('2026');
  await ada.settle();
  await expectExact(ada);
  const use = ada.simulator.usage.of(ADA);
  // Waiting for the indexes of Gmail takes two minutes at the end.
  const least = ((MESSAGES - before) * 20 * MINUTE) / 6_000 + 2 * MINUTE;
  return { before, rejected: use.rejected / use.calls, took: (ada.clock.now() - end) / least };
}

it('A backfill goes on at the new pace when the limits of 2025 end on the announced day', async () => {
  const clock = { now: () => ada?.clock.now() ?? 0 };
  const { before, rejected, took } = await backfillOverTheDay((at) =>
    pricesOverTime(PRICE_TABLES['2025'], { at, prices: PRICE_TABLES['2026'] }, clock),
  );
  expect(before).toBeGreaterThan(2_500);
  expect(rejected).toBeLessThan(0.01);
  expect(took).toBeLessThan(1.05);
});

it('Limits that end on an unannounced day cost rejected calls, but no mail and no standstill', async () => {
  const { rejected, took } = await backfillOverTheDay(() => PRICE_TABLES['2025']);
  expect(rejected).toBeLessThan(0.12);
  expect(took).toBeLessThan(1.15);
});
