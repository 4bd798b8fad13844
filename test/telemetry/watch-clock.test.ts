import { Writable } from 'node:stream';

import pino from 'pino';
import { expect, it } from 'vitest';

import { noTelemetry, type Telemetry } from '../../src/model/telemetry.ts';
import { createLog, type Log } from '../../src/host/log.ts';
import { watchClock } from '../../src/telemetry/watch-clock.ts';

const MINUTE = 60_000;

/** What the metric shows after five answers, ten seconds apart, to a machine whose clock is off by `ahead` ms. */
function shown(against: 'temporal' | 'gmail', ahead: number, log: Log = createLog('silent')): unknown {
  const world = { truth: 1_000_000 };
  let last: unknown = null;
  const telemetry: Telemetry = { ...noTelemetry, set: (...values) => void (last = values) };
  const clock = { now: () => world.truth + ahead };
  const skew = watchClock({ clock, telemetry, log });
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

it.each([
  ['temporal', 10 * MINUTE, "this machine's clock is 10 minutes ahead of the Temporal server's: set both by NTP"],
  ['gmail', -MINUTE - 1, "this machine's clock is 1 minute behind Gmail's: set it and the Temporal server's by NTP"],
  ['gmail', MINUTE, null],
] as const)('the log says once that the clock is off against %s by %i ms, and what to set', (against, ahead, line) => {
  const said: unknown[] = [];
  const log = pino(
    { level: 'info' },
    new Writable({
      write: (text: Buffer, _encoding, done) => (
        said.push((JSON.parse(text.toString()) as { readonly msg: string }).msg),
        done()
      ),
    }),
  );
  shown(against, ahead, log);
  expect(said).toEqual(line === null ? [] : [line]);
});
