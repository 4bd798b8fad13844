import { sql } from 'kysely';
import { afterEach, expect, it } from 'vitest';

import { deliverChanges, type DeliveredMailbox } from '../../src/deliveries/deliver-changes.ts';
import { DeliverySlots } from '../../src/deliveries/delivery-slots.ts';
import { handlerTargets } from '../../src/deliveries/handler-target.ts';
import { definitionOf, type Handlers } from '../../src/deliveries/handler.ts';
import { registerHandlers } from '../../src/deliveries/register-handlers.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { InvalidSubscriptionError } from '../../src/model/subscription.ts';
import { readerOf } from '../../src/reading/open-reader.ts';
import { Bodies } from '../../src/store/bodies/bodies.ts';
import { closeStores, openStores, type Stores } from '../../src/store/open-store.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

describePostgres('a handler with the transaction of its position', () => {
  const newDatabase = useDatabases();
  let stores: Stores | null = null;
  afterEach(async () => {
    if (stores !== null) await closeStores(stores);
  });

  /** A mailbox with three changes, and a subscription to them. @returns runs its deliveries, as if at a given time */
  async function subscribed(handlers: Handlers): Promise<(now?: number) => Promise<DeliveredMailbox>> {
    stores = await openStores(databaseAt(await newDatabase()));
    const { store, database } = stores;
    await database.write(async (tx) => {
      await sql`drop table if exists public.told`.execute(tx);
      await sql`create table public.told (sequence bigint)`.execute(tx);
    });
    const mailbox = new TestMailbox(store, mailboxId('ada@example.com'));
    await mailbox.put();
    await mailbox.sync([reading('a'), reading('b'), reading('c')]);
    await registerHandlers({ store, clock: systemClock, handlers, isPostgres: true });
    const reader = readerOf(database, new Bodies(database));
    return (now = systemClock.now()) => {
      const clock = { ...systemClock, now: () => now, random: () => 0.5 };
      const means = { store, clock, reader };
      const targetOf = handlerTargets(means, handlers);
      const deps = {
        ...means,
        changes: database.changes,
        to: 'handler',
        targetOf,
        slots: new DeliverySlots(),
      } as const;
      return deliverChanges(deps, mailbox.id, { signal: new AbortController().signal });
    };
  }

  const told = async (): Promise<readonly number[]> => {
    const rows = await stores?.database.read((db) =>
      sql<{ sequence: number }>`select sequence from public.told order by 1`.execute(db),
    );
    return rows?.rows.map(({ sequence }) => sequence) ?? [];
  };
  const parked = async () => (await stores?.store.listParked({ name: 'crm', limit: 10 })) ?? [];

  it('writes each change exactly once although an attempt fails after it wrote', async () => {
    let attempts = 0;
    const run = await subscribed({
      crm: {
        transaction: true,
        batch: 2,
        beginning: { kind: 'first' },
        handle: async (changes, { query }) => {
          for (const { sequence } of changes) await query('insert into public.told values ($1)', [sequence]);
          attempts += 1;
          if (attempts === 1) throw new Error('after it has written');
        },
      },
    });
    expect(await run()).toMatchObject({ more: false, waiting: [{ subscription: 'crm', why: 'failing' }] });
    expect(await run(systemClock.now() + 60_000)).toMatchObject({ more: false, nextIn: null, waiting: [] });
    expect(attempts).toBe(3);
    expect(await told()).toEqual([1, 2, 3]);
  });

  it('fails where what it wrote cannot be committed, and only that change is parked', async () => {
    const run = await subscribed({
      crm: {
        transaction: true,
        batch: 1,
        beginning: { kind: 'first' },
        order: { kind: 'park', attempts: 1 },
        handle: async (changes, { query }) => {
          for (const { sequence } of changes) {
            await query('insert into public.told values ($1)', [sequence]);
            if (sequence === 2) await query('select from no_such_table').catch(() => undefined);
          }
        },
      },
    });
    expect(await run()).toMatchObject({ more: false, nextIn: null, waiting: [] });
    expect(await told()).toEqual([1, 3]);
    expect(await parked()).toMatchObject([{ sequence: 2, error: expect.stringContaining('transaction is aborted') }]);
  });

  it('has a change parked that breaks its connection each time', async () => {
    const run = await subscribed({
      crm: {
        transaction: true,
        batch: 1,
        beginning: { kind: 'first' },
        handle: async (changes, { query }) => {
          for (const { sequence } of changes) {
            await query('insert into public.told values ($1)', [sequence]);
            if (sequence === 2) await query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
          }
        },
      },
    });
    let now = systemClock.now();
    for (let runs = 0; runs < 15; runs++) {
      await run(now).catch(() => undefined);
      now += 3_600_000;
    }
    expect(await told()).toEqual([1, 3]);
    expect(await parked()).toMatchObject([
      { sequence: 2, attempts: 5, error: expect.stringContaining('lost its database') },
    ]);
  });
});

it('a handler that asks for a transaction is refused where the store is not PostgreSQL', async () => {
  const stores = await openMemoryStores();
  const { store } = stores;
  const handlers: Handlers = { crm: { transaction: true, handle: () => undefined } };
  const registered = registerHandlers({ store, clock: systemClock, handlers, isPostgres: false });
  await expect(registered).rejects.toThrow(/The handler crm asks for the transaction of its position/);
  expect(await store.listSubscriptions()).toEqual([]);
  await closeStores(stores);
});

it.each([
  ['a name with a space', 'my crm', {}],
  ['an empty batch', 'crm', { batch: 0 }],
  ['a batch that is too large', 'crm', { batch: 501 }],
  ['no attempts at all', 'crm', { order: { kind: 'park', attempts: 0 } }],
] as const)('a handler is refused for %s', (_, name, options) => {
  expect(() => definitionOf(name, { ...options, handle: () => undefined })).toThrow(InvalidSubscriptionError);
});

it.each([
  ['nothing to call', {}, 'needs a function "handle"'],
  [
    'events and no function for them',
    { filter: { events: ['in-sync'] }, handle: (): void => undefined },
    'no "handleEvent"',
  ],
  [
    'a function for events and no events',
    { handle: (): void => undefined, handleEvent: (): void => undefined },
    'no "filter.events"',
  ],
] as const)('a handler that has %s is refused', (_, handler, words) => {
  expect(() => definitionOf('crm', handler)).toThrow(words);
});

it('a handler of events only asks for no changes, and a handler of changes for no events', () => {
  const { filter } = definitionOf('crm', { filter: { events: ['in-sync'] }, handleEvent: () => undefined });
  expect(filter).toMatchObject({ kinds: [], events: ['in-sync'] });
  expect(definitionOf('crm', { handle: () => undefined }).filter).toMatchObject({ kinds: null, events: [] });
});
