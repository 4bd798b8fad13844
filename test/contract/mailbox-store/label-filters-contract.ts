import { describe, expect, it } from 'vitest';
import { EVERY_CHANGE, type SubscriptionDefinition } from '../../../src/model/subscription.ts';
import { named, step } from '../../fixtures/store/crm-deliveries.ts';
import { l, labelled, reading, record, unlabelled } from '../../fixtures/store/contract-messages.ts';
import { useMailbox, type StoreFixture, type TestMailbox } from '../../fixtures/store/tested-store.ts';

const OF_INVOICES: SubscriptionDefinition = {
  name: 'crm',
  target: { kind: 'handler' },
  filter: { ...EVERY_CHANGE, labels: ['Invoices'] },
  batch: 10,
  order: { kind: 'park', attempts: null },
};

async function subscribe(mailbox: TestMailbox, ...labels: string[]): Promise<void> {
  const definition = { ...OF_INVOICES, filter: { ...EVERY_CHANGE, labels } };
  await mailbox.store.putSubscription({ definition, beginning: { kind: 'now' }, now: mailbox.now });
}

/** Saves what labels.list answers: names by ids. */
async function saveNames(mailbox: TestMailbox, names: Readonly<Record<string, string>>): Promise<void> {
  const labels = Object.entries(names).map(([id, name]) => ({ id: l(id), name, type: 'user' as const }));
  await mailbox.store.saveLabels({ mailbox: mailbox.id, labels, now: mailbox.now });
}

async function nextChanges(mailbox: TestMailbox): Promise<readonly string[]> {
  const { due } = await mailbox.store.findDeliveries({ mailbox: mailbox.id, now: mailbox.now });
  const next = await step(mailbox);
  if (next.kind !== 'begun') return due.map(({ subscription }) => `nothing, although ${subscription} is due`);
  const { delivery } = next;
  if (due.length === 0) throw new Error('a delivery that was not found begins');
  await mailbox.store.acceptDelivery(named(mailbox, delivery));
  return delivery.changes.map(({ kind, messageId }) => `${kind} ${messageId}`);
}

export function labelFilters(fixture: StoreFixture): void {
  describe('a subscription to a label', () => {
    const open = useMailbox(fixture);

    async function filled(): Promise<TestMailbox> {
      const mailbox = open();
      await mailbox.put();
      await saveNames(mailbox, { L_1: 'Invoices', L_2: 'Other' });
      await mailbox.sync([reading('a'), reading('b')]);
      return mailbox;
    }

    it.each(['Invoices', 'invoices', 'L_1', 'l_1'])(
      'finds the label by its name or its id, in any case: %s',
      async (label) => {
        const mailbox = await filled();
        await subscribe(mailbox, label);
        await mailbox.apply([record(200, labelled('a', 'L_1'), labelled('b', 'L_2'))]);
        expect(await nextChanges(mailbox)).toEqual(['labels a']);
        await mailbox.apply([record(300, unlabelled('a', 'L_1'))]);
        expect(await nextChanges(mailbox)).toEqual(['labels a']);
        await mailbox.apply([record(400, labelled('a', 'L_2'))]);
        expect(await nextChanges(mailbox)).toEqual([]);
      },
    );

    it('finds a renamed label by its new name, and no longer by its former name', async () => {
      const mailbox = await filled();
      await subscribe(mailbox, 'Invoices');
      await saveNames(mailbox, { L_1: 'Bills', L_2: 'Other' });
      await mailbox.apply([record(200, labelled('a', 'L_1'))]);
      expect(await nextChanges(mailbox)).toEqual([]);
      await subscribe(mailbox, 'Bills');
      await mailbox.apply([record(300, labelled('b', 'L_1'))]);
      expect(await nextChanges(mailbox)).toEqual(['labels b']);
    });

    it('gets the messages that lose a deleted label, and those that get a new label of its name', async () => {
      const mailbox = await filled();
      await mailbox.apply([record(200, labelled('a', 'L_1'))]);
      await subscribe(mailbox, 'Invoices');
      await mailbox.store.removeLabel({ mailbox: mailbox.id, labelId: l('L_1'), now: mailbox.now });
      expect(await nextChanges(mailbox)).toEqual(['labels a']);
      await saveNames(mailbox, { L_9: 'Invoices', L_2: 'Other' });
      await mailbox.apply([record(300, labelled('b', 'L_9'))]);
      expect(await nextChanges(mailbox)).toEqual(['labels b']);
    });

    it('takes its text for an id only where no label has that name', async () => {
      const mailbox = await filled();
      await saveNames(mailbox, { L_1: 'L_2', L_2: 'Other' });
      await subscribe(mailbox, 'L_2');
      await mailbox.apply([record(200, labelled('a', 'L_1'), labelled('b', 'L_2'))]);
      expect(await nextChanges(mailbox)).toEqual(['labels a']);
    });
  });
}
