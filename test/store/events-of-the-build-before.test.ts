import { afterEach, beforeEach, expect, it } from 'vitest';

import { mailboxId } from '../../src/model/ids.ts';
import { EVERY_CHANGE } from '../../src/model/subscription.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import { asBuildBefore, begun, CRM, step } from '../fixtures/store/crm-deliveries.ts';
import { labelled, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const NAMED = { subscription: 'crm', mailbox: mailboxId('ada@example.com') };

let stores: Stores;
let mailbox: TestMailbox;
beforeEach(async () => {
  stores = await openMemoryStores();
  mailbox = new TestMailbox(stores.store, NAMED.mailbox);
  await mailbox.put();
  await mailbox.sync([reading('a')]);
  const definition = { ...CRM, filter: { ...EVERY_CHANGE, events: ['in-sync' as const] }, batch: 10 };
  await stores.store.putSubscription({ definition, beginning: { kind: 'first' }, now: 1 });
  await stores.store.noteEvents({ ...NAMED, events: [{ id: '1', at: 2, details: { kind: 'in-sync' } }] });
  await mailbox.apply([record(200, labelled('a', 'X'))]);
});
afterEach(() => closeStores(stores));

async function rest(): Promise<readonly string[]> {
  const told: string[] = [];
  for (;;) {
    const next = await step(mailbox);
    if (next.kind !== 'begun') return told;
    const { id, event, changes } = next.delivery;
    await stores.store.acceptDelivery({ ...NAMED, id, now: mailbox.now });
    told.push(event?.kind ?? changes.map(({ kind }) => kind).join());
  }
}

/** Writes what a worker of the build before writes, which knows only the columns of changes. */
const before = (values: Parameters<typeof asBuildBefore>[1]) => asBuildBefore(stores.database, values);

it('an event that a worker of the build before has passed over is still delivered', async () => {
  await begun(mailbox);
  await before({ sequence: 2, delivery_id: null, sequences: null });
  expect(await rest()).toEqual(['in-sync']);
});

it('a delivery of changes that the build before begins over one of an event counts for the changes only', async () => {
  expect((await begun(mailbox)).changes).toHaveLength(1);
  await stores.store.acceptDelivery({ ...NAMED, id: (await begun(mailbox)).id, now: mailbox.now });
  expect((await begun(mailbox)).event?.kind).toBe('in-sync');
  await before({ delivery_id: 'dlv_before', sequences: '[2]' });
  const delivery = await begun(mailbox);
  expect([delivery.id, delivery.event, delivery.changes.length]).toEqual(['dlv_before', null, 1]);
  await stores.store.acceptDelivery({ ...NAMED, id: 'dlv_before', now: mailbox.now });
  expect(await rest()).toEqual(['in-sync']);
});

it('a mailbox that a worker of the build before removes leaves no events', async () => {
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
