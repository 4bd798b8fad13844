import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  deliverChanges,
  type DeliveredMailbox,
  type DeliveryDependencies,
} from '../../src/deliveries/deliver-changes.ts';
import { DeliverySlots } from '../../src/deliveries/delivery-slots.ts';
import { handlerTargets } from '../../src/deliveries/handler-target.ts';
import type { Handler, Handlers } from '../../src/deliveries/handler.ts';
import { lastingListening } from '../../src/deliveries/lasting-listening.ts';
import { registerHandlers } from '../../src/deliveries/register-handlers.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { readerOf } from '../../src/reading/open-reader.ts';
import { Bodies } from '../../src/store/bodies/bodies.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import { createVirtualClock, type VirtualClock } from '../fixtures/host/virtual-clock.ts';
import { deleted, labelled, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

type Changes = DeliveryDependencies['changes'];

/** Announces nothing, as PostgreSQL does through a proxy that lends connections by the transaction. */
const SILENT: Changes = { listen: () => ({ renew: () => undefined, stop: () => undefined }) };

let stores: Stores;
let mailbox: TestMailbox;
let clock: VirtualClock;
/** When each handler was called with which changes: ms after the beginning. */
let calls: { readonly name: string; readonly at: number; readonly sequences: readonly number[] }[];
let looks: number;

beforeEach(async () => {
  stores = await openMemoryStores();
  mailbox = new TestMailbox(stores.store, mailboxId('ada@example.com'));
  await mailbox.put();
  await mailbox.sync([reading('a'), reading('b')]);
  clock = createVirtualClock();
  calls = [];
  looks = 0;
});
afterEach(() => closeStores(stores));

/** Handlers that note their calls, and then do what is given. */
async function handlersOf(work: Readonly<Record<string, () => Promise<void> | void>>): Promise<Handlers> {
  const began = clock.now();
  const noted = (name: string): Handler => ({
    handle: async (changes) => {
      calls.push({ name, at: clock.now() - began, sequences: changes.map(({ sequence }) => sequence) });
      await work[name]?.();
    },
  });
  const handlers = Object.fromEntries(Object.keys(work).map((name) => [name, noted(name)]));
  await registerHandlers({ store: stores.store, clock, handlers, isPostgres: false });
  return handlers;
}

function depsOf(
  means: { readonly store: Stores['store']; readonly changes: Changes },
  handlers: Handlers,
): DeliveryDependencies {
  const { database } = stores;
  const all = { ...means, clock, reader: readerOf(database, new Bodies(database)) };
  return { ...all, to: 'handler', targetOf: handlerTargets(all, handlers), slots: new DeliverySlots() };
}

/** Runs the mailbox's deliveries while `beside` happens. */
async function delivered(
  handlers: Handlers,
  { changes = lastingListening(stores.database.changes), awaits = true }: { changes?: Changes; awaits?: boolean },
  beside: () => Promise<unknown>,
): Promise<DeliveredMailbox> {
  const { store } = stores;
  const counted = {
    ...store,
    newestChange: (...request: Parameters<typeof store.newestChange>) => {
      looks += 1;
      return store.newestChange(...request);
    },
  };
  const deps = depsOf({ store: counted, changes }, handlers);
  const signal = new AbortController().signal;
  return clock.run(async () => {
    const [result] = await Promise.all([deliverChanges(deps, mailbox.id, { signal, awaits }), beside()]);
    return result;
  });
}

/** After ms, a sync commits a change. */
const committedAfter =
  (milliseconds: number, id = 'a') =>
  async (): Promise<void> => {
    await clock.sleep(milliseconds);
    await mailbox.apply([record(200, labelled(id, 'X'))]);
  };

describe('deliveries beside a sync', () => {
  it('begin the moment that the sync commits, and end when they are accepted', async () => {
    const handlers = await handlersOf({ crm: () => undefined });
    const result = await delivered(handlers, {}, committedAfter(700));
    expect(calls).toEqual([{ name: 'crm', at: 700, sequences: [3] }]);
    expect(result).toEqual({ more: false, nextIn: null, waiting: [], attempts: 1, seen: 3 });
  });

  it('begin a moment later where no commit is announced', async () => {
    const handlers = await handlersOf({ crm: () => undefined });
    const result = await delivered(handlers, { changes: SILENT }, committedAfter(700));
    expect(calls).toEqual([{ name: 'crm', at: 750, sequences: [3] }]);
    expect(result).toMatchObject({ attempts: 1, seen: 3 });
  });

  it('end before a heartbeat is due where the sync brings nothing that is asked for', async () => {
    const handlers = await handlersOf({});
    const began = clock.now();
    const result = await delivered(handlers, {}, async () => undefined);
    expect(result).toMatchObject({ more: false, attempts: 0 });
    expect(clock.now() - began).toBeLessThan(2_000);
    expect(calls).toEqual([]);
  });

  it('do not wait where something is already due', async () => {
    const handlers = await handlersOf({ crm: () => undefined });
    await mailbox.apply([record(200, labelled('a', 'X'))]);
    const result = await delivered(handlers, {}, async () => undefined);
    expect(calls).toEqual([{ name: 'crm', at: 0, sequences: [3] }]);
    expect(result).toMatchObject({ attempts: 1, seen: 3 });
  });

  it('end with the signal of their attempt, and leave later changes to the next attempt', async () => {
    const handlers = await handlersOf({ crm: () => undefined });
    const { store, database } = stores;
    const deps = depsOf({ store, changes: database.changes }, handlers);
    const worker = new AbortController();
    const cut = clock.run(async () => {
      const run = deliverChanges(deps, mailbox.id, { signal: worker.signal, awaits: true });
      await clock.sleep(300);
      worker.abort(new Error('the worker stops'));
      await run;
    });
    await expect(cut).rejects.toThrow('the worker stops');
    await mailbox.apply([record(200, labelled('a', 'X'))]);
    expect(calls).toEqual([]);
    await delivered(handlers, {}, async () => undefined);
    expect(calls.map(({ sequences }) => sequences)).toEqual([[3]]);
  });
});

describe('deliveries while one target is slow', () => {
  const MINUTE = 60_000;

  it('to the other targets begin at once when something is committed', async () => {
    const handlers = await handlersOf({ crm: () => undefined, slow: () => clock.sleep(MINUTE) });
    await mailbox.apply([record(200, labelled('a', 'X'))]);
    await delivered(handlers, { awaits: false }, committedAfter(20_000, 'b'));
    expect(calls.filter(({ name }) => name === 'crm')).toEqual([
      { name: 'crm', at: 0, sequences: [3] },
      { name: 'crm', at: 20_000, sequences: [4] },
    ]);
  });

  it('look for changes rarely while nothing is committed', async () => {
    const handlers = await handlersOf({ crm: () => undefined, slow: () => clock.sleep(MINUTE) });
    await mailbox.apply([record(200, labelled('a', 'X'))]);
    await delivered(handlers, { awaits: false }, async () => undefined);
    expect(looks).toBeLessThan(20);
  });

  it('to another target are tried again when their next attempt is due', async () => {
    let failures = 1;
    const handlers = await handlersOf({
      crm: () => {
        if (failures-- > 0) throw new Error('it fails once');
      },
      slow: () => clock.sleep(MINUTE),
    });
    await mailbox.apply([record(200, deleted('a'))]);
    const result = await delivered(handlers, { awaits: false }, async () => undefined);
    const [, second] = calls.filter(({ name }) => name === 'crm');
    expect(second?.at).toBeLessThan(7_000);
    expect(result).toMatchObject({ nextIn: null, attempts: 3 });
  });
});
