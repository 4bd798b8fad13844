import { describe, expect, it } from 'vitest';
import type { BegunDelivery, FixedDelivery } from '../../../src/store/subscriptions/delivery-store.ts';
import { begun, CRM, filled, named, position, step } from '../../fixtures/store/crm-deliveries.ts';
import { useMailbox, type StoreFixture, type TestMailbox } from '../../fixtures/store/tested-store.ts';

/** Three messages, whose `stored` changes are 1 to 3, and a subscription to them. */
async function subscribed(mailbox: TestMailbox, batch = 2): Promise<void> {
  await filled(mailbox);
  const definition = { ...CRM, batch };
  await mailbox.store.putSubscription({ definition, beginning: { kind: 'first' }, now: mailbox.now });
}

/** The delivery whose content is fixed. */
async function fixed(mailbox: TestMailbox): Promise<FixedDelivery> {
  const next = await mailbox.store.nextDelivery({ mailbox: mailbox.id, subscription: 'crm', now: mailbox.now });
  if (next.kind !== 'fixed') throw new Error(`no delivery is fixed: ${next.kind}`);
  return next.delivery;
}

const released = (mailbox: TestMailbox, delivery: BegunDelivery): Promise<void> =>
  mailbox.store.releaseDelivery({ ...named(mailbox, delivery), attempt: delivery.attempt });

export function unendedAttempts(fixture: StoreFixture): void {
  describe('an attempt at a delivery', () => {
    const open = useMailbox(fixture);

    it('counts as unended from its beginning until it is reported as failed or released', async () => {
      const mailbox = open();
      await subscribed(mailbox);
      const first = await begun(mailbox);
      expect(await fixed(mailbox)).toEqual({
        id: first.id,
        attempts: 1,
        unended: 1,
        hasWaited: false,
        holds: 2,
        isEvent: false,
      });
      const second = await begun(mailbox);
      expect(await fixed(mailbox)).toMatchObject({ attempts: 2, unended: 2 });
      const next = { kind: 'retry', at: mailbox.now } as const;
      await mailbox.store.failDelivery({ ...named(mailbox, second), attempt: 2, error: 'HTTP 500', next });
      expect(await fixed(mailbox)).toMatchObject({ unended: 1 });
      // An attempt that fails late changes only the count.
      await mailbox.store.failDelivery({ ...named(mailbox, first), attempt: 1, error: 'late', next: { kind: 'park' } });
      expect(await fixed(mailbox)).toMatchObject({ attempts: 2, unended: 0 });
      expect(await position(mailbox)).toMatchObject({ error: 'HTTP 500', parked: 0 });
      const third = await begun(mailbox);
      await released(mailbox, third);
      await released(mailbox, third);
      expect(await fixed(mailbox)).toMatchObject({ attempts: 3, unended: 0 });
    });

    it('leaves no count for the next delivery when it is accepted', async () => {
      const mailbox = open();
      await subscribed(mailbox);
      await begun(mailbox);
      const first = await begun(mailbox);
      await mailbox.store.acceptDelivery(named(mailbox, first));
      const next = await begun(mailbox);
      expect(await fixed(mailbox)).toMatchObject({ id: next.id, attempts: 1, unended: 1, holds: 1 });
      // The attempt that is released belongs to the delivery before.
      await released(mailbox, first);
      expect(await fixed(mailbox)).toMatchObject({ unended: 1 });
    });

    it('makes the next attempt wait, and says why, until its end is reported', async () => {
      const mailbox = open();
      await subscribed(mailbox);
      await begun(mailbox);
      const begin = async (until: number) =>
        mailbox.store.beginDelivery({
          mailbox: mailbox.id,
          subscription: 'crm',
          now: mailbox.now,
          next: { kind: 'fixed', delivery: await fixed(mailbox) },
          pause: { until, reason: 'the worker ended' },
        });
      const until = mailbox.now + 30_000;
      const second = await begin(until);
      if (second.kind !== 'begun') throw new Error(second.kind);
      expect(await step(mailbox)).toEqual({ kind: 'waits', until });
      expect(await position(mailbox)).toMatchObject({ error: 'the worker ended', nextAttemptAt: until });
      expect(await mailbox.store.countDeliveries()).toEqual([{ name: 'crm', failing: 1, parked: 0 }]);
      await released(mailbox, second.delivery);
      expect(await position(mailbox)).toMatchObject({ nextAttemptAt: null });
      await begin(until);
      mailbox.now = until;
      expect(await fixed(mailbox)).toMatchObject({ unended: 2, hasWaited: true });
      const last = await begun(mailbox);
      expect(last.attempt).toBe(4);
      await mailbox.store.acceptDelivery(named(mailbox, last));
      expect(await position(mailbox)).toMatchObject({ error: null, nextAttemptAt: null, delivered: 2 });
    });

    it('does not begin if another attempt began since the delivery was looked at', async () => {
      const mailbox = open();
      await subscribed(mailbox);
      await begun(mailbox);
      const seen = await fixed(mailbox);
      const begin = () =>
        mailbox.store.beginDelivery({
          mailbox: mailbox.id,
          subscription: 'crm',
          now: mailbox.now,
          next: { kind: 'fixed', delivery: seen },
        });
      expect((await begin()).kind).toBe('begun');
      expect(await begin()).toEqual({ kind: 'passed' });
      expect(await fixed(mailbox)).toMatchObject({ attempts: 2, unended: 2 });
    });

    it('that ended the subscription does not count once the subscription is created again', async () => {
      const mailbox = open();
      await subscribed(mailbox);
      const delivery = await begun(mailbox);
      await mailbox.store.endSubscription({ name: 'crm', reason: '410', now: mailbox.now });
      await released(mailbox, delivery);
      const { store, now } = mailbox;
      await store.putSubscription({ definition: CRM, beginning: { kind: 'first' }, now });
      expect(await fixed(mailbox)).toMatchObject({ attempts: 1, unended: 0 });
    });

    it('is narrowed to fewer changes, under another id, only while it is the first attempt', async () => {
      const mailbox = open();
      await subscribed(mailbox, 3);
      const all = await begun(mailbox);
      const narrow = (delivery: BegunDelivery, size: number) =>
        mailbox.store.narrowDelivery({ ...named(mailbox, delivery), size });
      const two = await narrow(all, 2);
      if (two === null) throw new Error('it was not narrowed');
      expect([two.changes.length, two.attempt, two.firstAttemptAt]).toEqual([2, 1, all.firstAttemptAt]);
      expect(two.id).not.toBe(all.id);
      expect(await fixed(mailbox)).toMatchObject({ id: two.id, attempts: 1, unended: 1, holds: 2 });
      expect(await mailbox.store.acceptDelivery(named(mailbox, all))).toBe(false);
      expect(await narrow(all, 1)).toBeNull();
      const again = await begun(mailbox);
      expect(again).toMatchObject({ id: two.id, attempt: 2 });
      expect(await narrow(again, 1)).toBeNull();
      await mailbox.store.acceptDelivery(named(mailbox, again));
      expect(await begun(mailbox)).toMatchObject({ attempt: 1, changes: [{ sequence: 3 }] });
    });
  });
}
