import { afterEach, describe, expect, test } from 'vitest';
import { workerWithWrongClock } from '../fixtures/schedules/wrong-clock.ts';
import { RunningMailbox, expectExact } from './running-mailbox.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

describe('a worker that starts with a wrong clock', () => {
  let mailbox: RunningMailbox | null = null;
  afterEach(() => mailbox?.close());

  /** A first full sync that found nothing, because Gmail lists these five messages only twenty seconds later. */
  async function listedTooEarly(): Promise<RunningMailbox> {
    // Gmail has no count of messages by age, so only the relisting can find them.
    const running = await RunningMailbox.open({ scope: { after: Date.UTC(2026, 0, 1) } });
    mailbox = running;
    running.gmail.lag.listMs = 20 * SECOND;
    running.receive(5);
    await running.run(5 * SECOND);
    expect(await running.counts()).toMatchObject({ stored: 0, pending: 0 });
    return running;
  }

  test.each([
    ['ten minutes ahead', 10 * MINUTE],
    ['ten minutes behind', -10 * MINUTE],
    ['a day ahead', DAY],
    ['a day behind', -DAY],
  ])('does not make the relisting before it is due: %s', async (_, skew) => {
    const running = await listedTooEarly();
    running.replaceWorker((options) => workerWithWrongClock(options, { skew, jump: null }));
    running.lanes.dispatch({ kind: 'poked' });
    await running.settle();
    expect((await running.counts()).stored).toBe(5);
    await expectExact(running);
  });

  test('asks Gmail for the time once, with a getProfile', async () => {
    const running = await listedTooEarly();
    const { getProfile: before = 0 } = running.calls();
    running.replaceWorker((options) => workerWithWrongClock(options, { skew: DAY, jump: null }));
    running.lanes.dispatch({ kind: 'poked' });
    await running.settle();
    running.lanes.dispatch({ kind: 'poked' });
    await running.settle();
    expect((running.calls()['getProfile'] ?? 0) - before).toBe(1);
  });
});
