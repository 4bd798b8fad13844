import { afterEach, beforeEach, expect, it } from 'vitest';

import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { EVERY_CHANGE } from '../../src/model/subscription.ts';
import { closeStores, openStores, type Stores } from '../../src/store/open-store.ts';
import { beginNext } from '../fixtures/store/begin-next.ts';
import { labelled, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';

const NAMED = { subscription: 'crm', mailbox: mailboxId('ada@example.com') };

let stores: Stores;
let mailbox: TestMailbox;
beforeEach(async () => {
  stores = await openStores(databaseAt('sqlite::memory:'));
  mailbox = new TestMailbox(stores.store, NAMED.mailbox);
  await mailbox.put();
  await mailbox.sync([reading('a')]);
  const definition = {
    name: 'crm',
    target: { kind: 'handler' },
    filter: { ...EVERY_CHANGE, events: ['in-sync'] },
    batch: 10,
    order: { kind: 'park', attempts: null },
  } as const;
  await stores.store.putSubscription({ definition, beginning: { kind: 'first' }, now: 1 });
  await stores.store.noteEvents({ ...NAMED, events: [{ id: '1', at: 2, details: { kind: 'in-sync' } }] });
  await mailbox.apply([record(200, labelled('a', 'X'))]);
});
afterEach(() => closeStores(stores));

async function begun() {
  const step = await beginNext(stores.store, { ...NAMED, now: mailbox.now });
  if (step.kind !== 'begun') throw new Error(`no delivery begins: ${step.kind}`);
  return step.delivery;
}

async function rest(): Promise<readonly string[]> {
  const told: string[] = [];
  for (;;) {
    const step = await beginNext(stores.store, { ...NAMED, now: mailbox.now });
    if (step.kind !== 'begun') return told;
    const { id, event, changes } = step.delivery;
    await stores.store.acceptDelivery({ ...NAMED, id, now: mailbox.now });
    told.push(event?.kind ?? changes.map(({ kind }) => kind).join());
  }
}

/** What a worker of the build before writes: it knows the columns of changes only. */
const asBuildBefore = (values: {
  readonly sequence?: number;
  readonly delivery_id?: string | null;
  readonly sequences?: string | null;
}) =>
  stores.database.write((tx) =>
    tx.updateTable('delivery_positions').set(values).where('subscription', '=', 'crm').execute(),
  );

it('an event that a worker of the build before has passed over is delivered nevertheless', async () => {
  await begun();
  await asBuildBefore({ sequence: 2, delivery_id: null, sequences: null });
  expect(await rest()).toEqual(['in-sync']);
});

it('a delivery of changes that such a worker begins over that of an event counts for the changes only', async () => {
  expect((await begun()).changes).toHaveLength(1);
  await stores.store.acceptDelivery({ ...NAMED, id: (await begun()).id, now: mailbox.now });
  expect((await begun()).event?.kind).toBe('in-sync');
  await asBuildBefore({ delivery_id: 'dlv_before', sequences: '[2]' });
  const delivery = await begun();
  expect([delivery.id, delivery.event, delivery.changes.length]).toEqual(['dlv_before', null, 1]);
  await stores.store.acceptDelivery({ ...NAMED, id: 'dlv_before', now: mailbox.now });
  expect(await rest()).toEqual(['in-sync']);
});

it('a mailbox that such a worker removes leaves nothing of its events', async () => {
  await stores.database.write(async (tx) => {
    for (const table of [
      'applied_operations',
      'changes',
      'delivery_positions',
      'bodies',
      'message_headers',
      'messages',
      'labels',
    ] as const)
      await tx.deleteFrom(table).execute();
    await tx.deleteFrom('mailboxes').execute();
  });
  expect(await stores.database.read((db) => db.selectFrom('mailbox_events').selectAll().execute())).toEqual([]);
});
