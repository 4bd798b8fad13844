import type { Clock } from '../src/model/clock.ts';
import { systemClock } from '../src/host/system-clock.ts';

/**
 * For workers over a simulator that lags behind in nothing: what waits half a minute for Gmail's indexes need not wait
 * so long.
 */
export const hurriedClock: Clock = {
  ...systemClock,
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / 25, signal),
};
