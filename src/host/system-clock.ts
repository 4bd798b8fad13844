import { setTimeout as delay } from 'node:timers/promises';

import type { Clock } from '../model/clock.ts';

/** The machine's time and random numbers, for composition roots. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) =>
    delay(milliseconds, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted()),
  random: () => Math.random(),
};
