import { afterEach, describe, expect, test } from 'vitest';
import { isInSync } from '../../src/workflows/mailbox-state.ts';
import { workerWithWrongClock, wrongClock, type ClockError } from '../fixtures/schedules/wrong-clock.ts';
import { simulatedWorker } from '../fixtures/gmail/simulated-worker.ts';
import { RunningMailbox, expectExact, type RunningOptions } from './running-mailbox.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const MESSAGES = 2_000;

describe('a backfill by a worker whose clock is wrong', () => {
  let mailbox: RunningMailbox | null = null;
  afterEach(() => mailbox?.close());

  /**
   * How long it took until everything was stored (ms): some seven minutes at this quota. Now and then a call fails, so
   * that messages wait for their next attempt.
   */
  async function backfill(worker: NonNullable<RunningOptions['worker']>): Promise<number> {
    await mailbox?.close();
    const running = await RunningMailbox.open({ pollInterval: MINUTE }, { unitsPerMinute: 6_000, worker });
    mailbox = running;
    running.receive(MESSAGES);
    running.simulator.faults.add({
      match: { method: 'messages.get' },
      effect: { kind: 'status', status: 503 },
      probability: 0.05,
    });
    const start = running.clock.now();
    await running.run(1);
    await running.clock.runUntil(
      async () => isInSync(running.lanes.state) && running.lanes.idle && (await running.counts()).stored === MESSAGES,
      DAY,
    );
    const took = running.clock.now() - start;
    await expectExact(running);
    return took;
  }

  /** How long it takes with a right clock: the same each time, because all time is virtual. */
  let withRightClock: Promise<number> | null = null;
  const right = (): Promise<number> => (withRightClock ??= backfill(simulatedWorker));

  const errors: readonly (readonly [string, ClockError])[] = [
    ['ten minutes ahead', { skew: 10 * MINUTE, jump: null }],
    ['ten minutes behind', { skew: -10 * MINUTE, jump: null }],
    ['a day ahead for two minutes midway', { skew: 0, jump: { by: DAY, after: 2 * MINUTE, lasting: 2 * MINUTE } }],
    ['a day behind for two minutes midway', { skew: 0, jump: { by: -DAY, after: 2 * MINUTE, lasting: 2 * MINUTE } }],
  ];

  test.each(errors)('takes as long as with a right clock: %s', async (_, error) => {
    const took = await right();
    const wrong = await backfill((options) => workerWithWrongClock(options, error));
    expect(Math.abs(wrong - took)).toBeLessThan(MINUTE);
  });

  // As behind a proxy that removes the Date header of answers.
  test.each(errors)('loses less than five minutes when no answer tells the time: %s', async (_, error) => {
    const took = await right();
    const wrong = await backfill((options) => simulatedWorker({ ...options, clock: wrongClock(options.clock, error) }));
    expect(wrong - took).toBeLessThan(5 * MINUTE);
  });
});
