import { expect, it } from 'vitest';

import { noTelemetry, type Telemetry } from '../../src/model/telemetry.ts';
import { createLog } from '../../src/host/log.ts';
import { watchClock } from '../../src/telemetry/watch-clock.ts';

const MINUTE = 60_000;

/** What the metric shows after five answers, ten seconds apart, to a machine whose clock is off by `ahead` ms. */
function shown(against: 'temporal' | 'gmail', ahead: number): unknown {
  const world = { truth: 1_000_000 };
  let last: unknown = null;
  const telemetry: Telemetry = { ...noTelemetry, set: (...values) => void (last = values) };
  const clock = { now: () => world.truth + ahead };
  const skew = watchClock({ clock, telemetry, log: createLog('silent') });
  for (let answer = 0; answer < 5; answer++) skew.seen(against, (world.truth += 10_000));
  return last;
}

it.each([
  ['temporal', 10 * MINUTE, 600],
  ['temporal', -10 * MINUTE, -600],
  ['gmail', 24 * 60 * MINUTE, 86_400],
  ['gmail', 0, 0],
] as const)(
  'the metric of clock skew shows by how many seconds the clock is ahead of %s (%i ms: %i s)',
  (against, ahead, seconds) => {
    expect(shown(against, ahead)).toEqual(['tidemark_clock_skew_seconds', seconds, { against }]);
  },
);
