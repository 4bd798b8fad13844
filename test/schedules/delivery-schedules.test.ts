import { expect, inject, test } from 'vitest';
import { runDeliverySchedule } from './delivery-schedule.ts';

/** Days of deliveries cost more than the minutes of another schedule, so there are fewer of these. */
const SHARE = 1 / 8;
const FIRST = 2_001;
const LAST = FIRST + Math.ceil(inject('schedules') * SHARE) - 1;

test(
  `everything is delivered in order or parked after each of the schedules ${FIRST} to ${LAST} with subscriptions`,
  { timeout: 240_000 },
  async () => {
    for (let seed = FIRST; seed <= LAST; seed++) {
      const { differences } = await runDeliverySchedule(seed);
      expect(differences, `npm run simulate-schedules -- --seed ${seed} --deliveries`).toEqual([]);
    }
  },
);
