import { afterEach, describe, expect, test } from 'vitest';

import { deliver } from '../../src/activities/deliver.ts';
import { DeliverySlots } from '../../src/deliveries/delivery-slots.ts';
import { handlerTargets } from '../../src/deliveries/handler-target.ts';
import type { Handlers } from '../../src/deliveries/handler.ts';
import { registerHandlers } from '../../src/deliveries/register-handlers.ts';
import { readerOf } from '../../src/reading/open-reader.ts';
import { Bodies } from '../../src/store/bodies/bodies.ts';
import { workerWithWrongClock } from '../fixtures/schedules/wrong-clock.ts';
import { ADA, RUN, RunningMailbox } from './running-mailbox.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('deliveries of a worker that starts with a wrong clock', () => {
  let mailbox: RunningMailbox | null = null;
  afterEach(() => mailbox?.close());

  /** A mailbox in sync, whose changes go to a handler that fails; answers the times of its attempts. */
  async function failing(): Promise<{ running: RunningMailbox; attempts: number[]; handlers: Handlers }> {
    const running = await RunningMailbox.open({ pollInterval: DAY });
    mailbox = running;
    running.receive(1);
    await running.settle();
    const attempts: number[] = [];
    const handle = (): never => {
      attempts.push(running.clock.now());
      throw new Error('not today');
    };
    const handlers: Handlers = { crm: { beginning: { kind: 'first' }, handle } };
    await registerHandlers({ store: running.stores.store, clock: running.clock, handlers, isPostgres: false });
    return { running, attempts, handlers };
  }

  /** A new worker, whose clock is ahead by `skew`, delivers before it does anything else. */
  async function deliverBy(running: RunningMailbox, handlers: Handlers, skew: number): Promise<void> {
    running.replaceWorker((options) => workerWithWrongClock(options, { skew, jump: null }));
    const { deps, stores } = running;
    const { store, database } = stores;
    const means = { store, clock: deps.clock, reader: readerOf(database, new Bodies(database)) };
    const { changes } = database;
    const targetOf = handlerTargets(means, handlers);
    const deliveries = { ...means, changes, to: 'handler', targetOf, slots: new DeliverySlots() } as const;
    await running.clock.during(deliver(deps, deliveries, { mailbox: ADA }, RUN));
  }

  const parked = (running: RunningMailbox) => running.stores.store.listParked({ name: 'crm', limit: 10 });

  test.each([
    ['four days ahead', 4 * DAY],
    ['four days behind', -4 * DAY],
  ])('are tried again when they are due, and not parked early: %s', async (_, skew) => {
    const { running, attempts, handlers } = await failing();
    await deliverBy(running, handlers, 0);
    await running.run(10 * SECOND);
    await deliverBy(running, handlers, skew);
    expect(await parked(running)).toEqual([]);
    expect(attempts).toHaveLength(2);
    await running.run(4 * DAY);
    await deliverBy(running, handlers, skew);
    expect(await parked(running)).toHaveLength(1);
    expect(attempts).toHaveLength(3);
  });

  test("go by the worker's own clock after two seconds when Gmail does not answer", async () => {
    const { running, attempts, handlers } = await failing();
    const asked = running.clock.now();
    running.simulator.faults.add({ match: {}, effect: { kind: 'slow', ms: HOUR } });
    await deliverBy(running, handlers, 0);
    expect(attempts).toEqual([asked + 2 * SECOND]);
  });
});
