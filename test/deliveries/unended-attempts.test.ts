import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { deliverChanges, type DeliveredMailbox, type DeliveryRun } from '../../src/deliveries/deliver-changes.ts';
import { DeliverySlots } from '../../src/deliveries/delivery-slots.ts';
import type { DeliveryTarget, TakenDelivery } from '../../src/deliveries/delivery-target.ts';
import { afterUnended } from '../../src/deliveries/unended-attempts.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { EVERY_CHANGE, type DeliveryOrder, type SubscriptionDefinition } from '../../src/model/subscription.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import type { BegunDelivery, FixedDelivery } from '../../src/store/subscriptions/delivery-store.ts';
import type { DeliveryPosition } from '../../src/store/subscriptions/subscription-store.ts';
import { createVirtualClock, type VirtualClock } from '../fixtures/host/virtual-clock.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const PARK: DeliveryOrder = { kind: 'park', attempts: null };
const ABOVE_ALL: DeliveryOrder = { kind: 'above-all' };

describe('after attempts that did not end', () => {
  const NOW = 1_000_000_000_000;
  const after = (order: DeliveryOrder, unended: number, delivery: Partial<FixedDelivery> = {}) =>
    afterUnended(order, { unended, holds: 1, isEvent: false, ...delivery }, { now: NOW, random: 0.5 });
  const pauseOf = (order: DeliveryOrder, unended: number): number | null => {
    const next = after(order, unended);
    return next.kind === 'attempt' && next.pause !== null ? next.pause.until - NOW : null;
  };

  it('a change is parked after five of them, whatever the subscription says of attempts', () => {
    for (const order of [PARK, { kind: 'park', attempts: 1 }, { kind: 'park', attempts: 100 }] as const) {
      expect(after(order, 4)).toEqual({ kind: 'attempt', pause: null });
      expect(after(order, 5)).toEqual({
        kind: 'park',
        reason: 'The worker ended, stopped answering, or lost its database, 5 times while it handled this change',
      });
    }
    expect(after(PARK, 5, { isEvent: true })).toMatchObject({ reason: expect.stringMatching(/handled this event$/) });
  });

  it('a batch is delivered one by one after two of them', () => {
    expect(after(PARK, 1, { holds: 2 })).toEqual({ kind: 'attempt', pause: null });
    expect(after(PARK, 2, { holds: 2 }).kind).toBe('park');
  });

  it('pauses grow, and nothing is parked or split where order is above all', () => {
    expect([0, 1, 2, 3].map((unended) => pauseOf(PARK, unended))).toEqual([null, 30_000, 2 * MINUTE, 5 * MINUTE]);
    expect(pauseOf(ABOVE_ALL, 1)).toBe(30_000);
    expect(pauseOf(ABOVE_ALL, 1_000)).toBe(240 * MINUTE);
    expect(after(ABOVE_ALL, 1_000, { holds: 100 })).toMatchObject({
      kind: 'attempt',
      pause: { reason: expect.stringContaining('at least 1000 times while it handled these changes') },
    });
  });
});

it('unended deliveries are attempted one by one, and one whose attempt takes long lets the next one begin', () => {
  const slots = new DeliverySlots();
  const end = slots.takeLoneSlot(0);
  expect(slots.takeLoneSlot(MINUTE - 1)).toBeNull();
  const next = slots.takeLoneSlot(MINUTE);
  end?.();
  expect(slots.takeLoneSlot(MINUTE + 1)).toBeNull();
  next?.();
  expect(slots.takeLoneSlot(MINUTE + 1)).not.toBeNull();
});

/** What a target does with a delivery. `ends` never returns: its worker has ended. */
type Reaction = 'accepted' | 'failed' | 'ends';

describe('deliveries whose handling ends the worker', () => {
  const EVERY: SubscriptionDefinition = {
    name: 'crm',
    target: { kind: 'handler' },
    filter: EVERY_CHANGE,
    batch: 100,
    order: PARK,
  };
  let stores: Stores;
  let mailbox: TestMailbox;
  let clock: VirtualClock;
  let accepted: number[];
  let ends: number;
  /** How the handling of a delivery goes, by the sequences of its changes. */
  let react: (subscription: string, sequences: readonly number[]) => Reaction;
  let random: () => number;
  /** Ms that the handling takes, by the subscription. */
  let takes: Readonly<Record<string, number>>;
  /** How many of the changes its target can take, or `ends` where measuring ends the worker. Null: any number. */
  let holds: ((sequences: readonly number[]) => number | 'ends') | null;

  beforeEach(async () => {
    stores = await openMemoryStores();
    mailbox = new TestMailbox(stores.store, mailboxId('ada@example.com'));
    clock = createVirtualClock();
    await mailbox.put();
    await mailbox.sync(['a', 'b', 'c', 'd', 'e'].map((id) => reading(id)));
    [accepted, ends] = [[], 0];
    react = () => 'accepted';
    takes = {};
    random = () => 0.5;
    holds = null;
  });
  afterEach(() => closeStores(stores));

  const subscribe = (changes: Partial<SubscriptionDefinition> = {}) =>
    stores.store.putSubscription({
      definition: { ...EVERY, ...changes },
      beginning: { kind: 'first' },
      now: clock.now(),
    });
  const positionOf = async (name = 'crm'): Promise<DeliveryPosition | undefined> =>
    (await stores.store.readPositions(name))[0];

  /** A target of a worker that does nothing any more once it has ended. */
  function targetFor(name: string, worker: { readonly isDead: boolean; die(): void }): DeliveryTarget {
    const end = (): Promise<never> => {
      ends += 1;
      worker.die();
      return new Promise(() => undefined);
    };
    const measure = holds;
    const fitting = async (changes: readonly { readonly sequence: number }[]): Promise<number> => {
      const size = measure?.(changes.map(({ sequence }) => sequence)) ?? changes.length;
      return size === 'ends' ? end() : size;
    };
    return {
      ...(measure === null ? {} : { fitting }),
      take: async (delivery: BegunDelivery): Promise<TakenDelivery> => {
        const sequences = delivery.changes.map(({ sequence }) => sequence);
        await clock.sleep(takes[name] ?? 0);
        if (worker.isDead) return new Promise(() => undefined);
        const reaction = react(name, sequences);
        if (reaction === 'failed') return { kind: 'failed', reason: 'it cannot be parsed', asked: null };
        if (reaction === 'ends') return end();
        const { id } = delivery;
        await stores.store.acceptDelivery({ mailbox: mailbox.id, subscription: name, id, now: clock.now() });
        accepted.push(...sequences);
        return { kind: 'accepted' };
      },
    };
  }

  /** A run in a worker of its own. @returns null when the worker ended */
  async function run(options: Partial<DeliveryRun> = {}): Promise<DeliveredMailbox | null> {
    const died = Promise.withResolvers<null>();
    const worker = {
      isDead: false,
      die(): void {
        this.isDead = true;
        died.resolve(null);
      },
    };
    const store = new Proxy(stores.store, {
      get: (object, key): unknown => {
        const value: unknown = Reflect.get(object, key);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          const result: unknown = await Reflect.apply(value, object, args);
          return worker.isDead ? new Promise(() => undefined) : result;
        };
      },
    });
    const deps = {
      store,
      changes: { listen: () => ({ renew: () => undefined, stop: () => undefined }) },
      clock: { ...clock, random },
      to: 'handler',
      targetOf: ({ subscription }: { subscription: { name: string } }) => targetFor(subscription.name, worker),
      slots: new DeliverySlots(),
    } as const;
    const signal = new AbortController().signal;
    return Promise.race([deliverChanges(deps, mailbox.id, { signal, ...options }), died.promise]);
  }

  /** Runs as the workflow does: again when a heartbeat is missing, or when the next attempt is due. */
  const settled = (within = Infinity): Promise<void> =>
    clock.run(async () => {
      const end = clock.now() + within;
      while (clock.now() < end) {
        const result = await run();
        if (result !== null && result.nextIn === null && !result.more) return;
        await clock.sleep(result?.nextIn ?? 16 * SECOND);
      }
    });

  it('park only the change that ends it, and deliver the others of its batch', async () => {
    await subscribe();
    react = (_, sequences) => (sequences.includes(3) ? 'ends' : 'accepted');
    const began = clock.now();
    await settled();
    expect(accepted).toEqual([1, 2, 4, 5]);
    expect(await stores.store.listParked({ name: 'crm', limit: 10 })).toMatchObject([
      { sequence: 3, attempts: 5, error: expect.stringMatching(/^The worker ended, .*5 times .*this change$/) },
    ]);
    expect(ends).toBe(7);
    // Not in a tight loop.
    expect(clock.now() - began).toBeGreaterThan(7 * MINUTE);
    expect(await positionOf()).toMatchObject({ sequence: 5, parked: 1, delivered: 4, error: null, delivery: null });
  });

  it('hold up only their own subscription', async () => {
    await subscribe();
    await subscribe({ name: 'other', batch: 1 });
    random = () => clock.random();
    react = (name, sequences) => (name === 'crm' && sequences.includes(1) ? 'ends' : 'accepted');
    await settled(2 * MINUTE);
    expect(await positionOf()).toMatchObject({ sequence: 0 });
    expect(await positionOf('other')).toMatchObject({ sequence: 5, delivered: 5, parked: 0 });
  });

  it('are told apart from deliveries that were only under way beside them', async () => {
    await subscribe({ batch: 1 });
    await subscribe({ name: 'other', batch: 1 });
    takes = { crm: SECOND, other: 10 * SECOND };
    react = (name, sequences) => (name === 'crm' && sequences.includes(1) ? 'ends' : 'accepted');
    await settled();
    expect(await positionOf()).toMatchObject({ sequence: 5, parked: 1 });
    expect(await positionOf('other')).toMatchObject({ sequence: 5, parked: 0, delivered: 5 });
  });

  it('are found, too, where the worker ends while the target measures what it can take', async () => {
    await subscribe();
    holds = (sequences) => (sequences.includes(3) ? 'ends' : Math.min(2, sequences.length));
    // A later attempt does not measure the change, but still has to read it.
    react = (_, sequences) => (sequences.includes(3) ? 'ends' : 'accepted');
    await settled();
    expect(accepted).toEqual([1, 2, 4, 5]);
    expect(await stores.store.listParked({ name: 'crm', limit: 10 })).toMatchObject([{ sequence: 3, attempts: 5 }]);
  });

  it('hold as many changes as their target can take, with one attempt each', async () => {
    await subscribe();
    holds = () => 2;
    const sizes: number[] = [];
    react = (_, sequences) => {
      sizes.push(sequences.length);
      return 'accepted';
    };
    await settled();
    expect([sizes, accepted]).toEqual([
      [2, 2, 1],
      [1, 2, 3, 4, 5],
    ]);
  });

  it('wait ever longer and say why where order is above all', async () => {
    await subscribe({ order: ABOVE_ALL, batch: 1 });
    react = () => 'ends';
    const waits: number[] = [];
    await clock.run(async () => {
      while (ends < 6) {
        const result = await run();
        if (result !== null) waits.push(Math.round((result.nextIn ?? 0) / SECOND));
        await clock.sleep(result?.nextIn ?? 16 * SECOND);
      }
    });
    expect(waits).toEqual([5, 14, 104, 284, 884]);
    expect(await positionOf()).toMatchObject({
      sequence: 0,
      parked: 0,
      error: expect.stringMatching(/^The worker ended, .*at least 5 times while it handled this change$/),
    });
    react = () => 'accepted';
    await settled();
    expect(accepted).toEqual([1, 2, 3, 4, 5]);
    expect(await positionOf()).toMatchObject({ error: null, parked: 0 });
  });

  it('count for nothing once an attempt is accepted, however often workers are killed', async () => {
    await subscribe({ batch: 1 });
    let calls = 0;
    react = () => (++calls % 5 === 0 ? 'accepted' : 'ends');
    await settled();
    expect(accepted).toEqual([1, 2, 3, 4, 5]);
    expect(ends).toBe(20);
    expect(await positionOf()).toMatchObject({ parked: 0, delivered: 5 });
  });

  it('count no cancelled attempt, however often that happens', async () => {
    await subscribe({ batch: 1 });
    await clock.run(async () => {
      for (let stops = 0; stops < 8; stops++) {
        const stopped = new AbortController();
        react = () => {
          stopped.abort(new Error('the worker shuts down'));
          return 'failed';
        };
        await expect(run({ signal: stopped.signal })).rejects.toThrow('the worker shuts down');
      }
    });
    react = () => 'accepted';
    await settled();
    expect(accepted).toEqual([1, 2, 3, 4, 5]);
    expect(await positionOf()).toMatchObject({ parked: 0 });
  });

  it('count an attempt that the server gave up because its worker did not answer', async () => {
    await subscribe({ batch: 1 });
    await clock.run(async () => {
      for (let stops = 0; stops < 12; stops++) {
        const stopped = new AbortController();
        react = (_, sequences) => {
          if (!sequences.includes(1)) return 'accepted';
          stopped.abort(new Error('no heartbeat came'));
          return 'failed';
        };
        await run({ signal: stopped.signal, wasGivenUp: () => true }).catch(() => undefined);
        await clock.sleep(10 * MINUTE);
      }
    });
    expect(accepted).toEqual([2, 3, 4, 5]);
    expect(await stores.store.listParked({ name: 'crm', limit: 10 })).toMatchObject([{ sequence: 1, attempts: 5 }]);
  });

  it('are tried once in a replay, and again only if that attempt is cancelled', async () => {
    await subscribe({ batch: 1 });
    react = (_, sequences) => (sequences.includes(3) ? 'ends' : 'accepted');
    await settled();
    const replay = () => stores.store.replayParked({ name: 'crm', mailbox: null, id: null, now: clock.now() });
    const parked = () => stores.store.listParked({ name: 'crm', limit: 10 });
    const before = ends;
    await replay();
    await settled();
    expect(ends - before).toBe(1);
    expect(await parked()).toMatchObject([
      { sequence: 3, attempts: 6, awaitsReplay: false, error: expect.stringMatching(/^The worker ended, .*once more/) },
    ]);
    await replay();
    const stopped = new AbortController();
    react = () => {
      stopped.abort(new Error('the worker shuts down'));
      return 'failed';
    };
    await clock.run(() => expect(run({ signal: stopped.signal })).rejects.toThrow('the worker shuts down'));
    expect(await parked()).toMatchObject([{ attempts: 6, awaitsReplay: true }]);
    react = () => 'accepted';
    await settled();
    expect([accepted, await parked()]).toEqual([[1, 2, 4, 5, 3], []]);
    expect(await positionOf()).toMatchObject({ sequence: 5, delivered: 5 });
  });
});
