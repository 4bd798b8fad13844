import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../../src/model/ids.ts';
import { EVERY_CHANGE, type SubscriptionDefinition } from '../../../src/model/subscription.ts';
import type { BegunDelivery } from '../../../src/store/subscriptions/delivery-store.ts';
import { begun, CRM, filled, named, position, step } from '../../fixtures/store/crm-deliveries.ts';
import { deleted, record } from '../../fixtures/store/contract-messages.ts';
import { useMailbox, type StoreFixture, type TestMailbox } from '../../fixtures/store/tested-store.ts';

const subscribe = (mailbox: TestMailbox, changes: Partial<SubscriptionDefinition> = {}) =>
  mailbox.store.putSubscription({
    definition: { ...CRM, batch: 1, ...changes },
    beginning: { kind: 'first' },
    now: mailbox.now,
  });
const park = (mailbox: TestMailbox, delivery: BegunDelivery, error = 'cannot be parsed') =>
  mailbox.store.failDelivery({
    ...named(mailbox, delivery),
    attempt: delivery.attempt,
    error,
    next: { kind: 'park' },
  });
const accept = async (mailbox: TestMailbox): Promise<BegunDelivery> => {
  const delivery = await begun(mailbox);
  expect(await mailbox.store.acceptDelivery(named(mailbox, delivery))).toBe(true);
  return delivery;
};
const replay = ({ store, now }: TestMailbox, id: string | null = null) =>
  store.replayParked({ name: 'crm', mailbox: null, id, now });
const parked = ({ store }: TestMailbox) => store.listParked({ name: 'crm', limit: 10 });
const found = ({ store, id, now }: TestMailbox) => store.findDeliveries({ mailbox: id, now });
const next = ({ store, id, now }: TestMailbox) => store.nextDelivery({ mailbox: id, subscription: 'crm', now });

/** Of three changes, the second is parked and the others are accepted. @returns the delivery that was parked */
async function parkedSecond(mailbox: TestMailbox): Promise<BegunDelivery> {
  await filled(mailbox);
  await subscribe(mailbox);
  await accept(mailbox);
  const second = await begun(mailbox);
  await park(mailbox, second);
  await accept(mailbox);
  return second;
}

/** Replays what is parked, and begins its delivery. */
async function replayed(mailbox: TestMailbox): Promise<BegunDelivery> {
  expect(await replay(mailbox)).toMatchObject([{ again: 1 }]);
  const delivery = await begun(mailbox);
  expect(delivery.isReplay).toBe(true);
  return delivery;
}

export function parkedReplays(fixture: StoreFixture): void {
  describe('what a subscription has parked', () => {
    const open = useMailbox(fixture);

    it('is delivered once more by itself, under another id, without moving the position', async () => {
      const mailbox = open();
      const { id } = await parkedSecond(mailbox);
      expect(await found(mailbox)).toMatchObject({ due: [], upTo: 0 });
      expect(await replay(mailbox, id)).toEqual([{ mailbox: mailbox.id, again: 1, notKept: 0 }]);
      // A replay has no sequence number that could say it was looked at.
      expect(await found(mailbox)).toMatchObject({ due: [{ subscription: 'crm' }], upTo: null });
      expect(await parked(mailbox)).toMatchObject([{ sequence: 2, deliveryId: id, awaitsReplay: true }]);
      const again = await begun(mailbox);
      expect(again).toMatchObject({ attempt: 1, isReplay: true, changes: [{ sequence: 2 }] });
      expect(again.id).not.toBe(id);
      expect(await position(mailbox)).toMatchObject({ sequence: 3, delivered: 2, parked: 1, delivery: null });
      expect(await mailbox.store.acceptDelivery(named(mailbox, again))).toBe(true);
      expect(await position(mailbox)).toMatchObject({ sequence: 3, delivered: 3, parked: 0 });
      expect([await parked(mailbox), (await found(mailbox)).due, await next(mailbox)]).toEqual([
        [],
        [],
        { kind: 'idle' },
      ]);
      expect(await mailbox.store.acceptDelivery(named(mailbox, again))).toBe(false);
    });

    it('is parked again when its one attempt fails, and each replay has its own id', async () => {
      const mailbox = open();
      const { id } = await parkedSecond(mailbox);
      const first = await replayed(mailbox);
      mailbox.now += 1_000;
      await mailbox.store.failDelivery({
        ...named(mailbox, first),
        attempt: 1,
        error: 'still not',
        next: { kind: 'retry', at: mailbox.now + 1 },
      });
      const again = { sequence: 2, deliveryId: first.id, attempts: 2, error: 'still not', awaitsReplay: false };
      expect(await parked(mailbox)).toMatchObject([{ ...again, parkedAt: mailbox.now }]);
      expect(await position(mailbox)).toMatchObject({ sequence: 3, error: null, nextAttemptAt: null });
      expect(await next(mailbox)).toEqual({ kind: 'idle' });
      const second = await replayed(mailbox);
      expect(new Set([id, first.id, second.id]).size).toBe(3);
    });

    it('does not begin again while its attempt is unended, and does after a release', async () => {
      const mailbox = open();
      await parkedSecond(mailbox);
      const { id, attempt } = await replayed(mailbox);
      const seen = await next(mailbox);
      expect(seen).toEqual({ kind: 'parked', item: { sequence: 2 }, unended: id });
      if (seen.kind !== 'parked') throw new Error(seen.kind);
      const request = { mailbox: mailbox.id, subscription: 'crm', now: mailbox.now };
      expect(await mailbox.store.beginDelivery({ ...request, next: seen })).toEqual({ kind: 'passed' });
      await mailbox.store.releaseDelivery({ ...request, id, attempt });
      expect(await begun(mailbox)).toMatchObject({ id, isReplay: true });
    });

    it('is replayed once, however often a replay is asked for before it begins', async () => {
      const mailbox = open();
      const { id } = await parkedSecond(mailbox);
      await replay(mailbox, id);
      expect(await replay(mailbox, id)).toEqual([{ mailbox: mailbox.id, again: 1, notKept: 0 }]);
      await accept(mailbox);
      expect(await next(mailbox)).toEqual({ kind: 'idle' });
      expect(await replay(mailbox, id)).toEqual([]);
    });

    it('is delivered once more in order, events too, before later changes', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox, { filter: { ...EVERY_CHANGE, events: ['in-sync'] } });
      const note = (id: string) =>
        mailbox.store.noteEvents({ mailbox: mailbox.id, events: [{ id, at: 1, details: { kind: 'in-sync' } }] });
      await note('1');
      for (let count = 0; count < 4; count++) await park(mailbox, await begun(mailbox));
      await mailbox.apply([record(200, deleted('a'))]);
      expect(await replay(mailbox)).toEqual([{ mailbox: mailbox.id, again: 4, notKept: 0 }]);
      const told: string[] = [];
      for (let count = 0; count < 5; count++) {
        const { event, changes } = await accept(mailbox);
        told.push(event === null ? changes.map(({ sequence }) => sequence).join() : `event ${event.number}`);
      }
      expect(told).toEqual(['1', '2', '3', 'event 1', '4']);
      expect(await step(mailbox)).toEqual({ kind: 'idle' });
      expect(await position(mailbox)).toMatchObject({ sequence: 4, event: 1, delivered: 5, parked: 0 });
    });

    it('goes before a delivery that failed and waits, but not before one that may end its worker', async () => {
      const mailbox = open();
      await parkedSecond(mailbox);
      await mailbox.apply([record(200, deleted('a'))]);
      const fourth = await begun(mailbox);
      const until = mailbox.now + 60_000;
      await mailbox.store.failDelivery({
        ...named(mailbox, fourth),
        attempt: 1,
        error: 'HTTP 500',
        next: { kind: 'retry', at: until },
      });
      expect(await step(mailbox)).toEqual({ kind: 'waits', until });
      expect((await replayed(mailbox)).changes).toMatchObject([{ sequence: 2 }]);
      await park(mailbox, await replayedAfterRelease(mailbox));
      const seen = await next(mailbox);
      if (seen.kind !== 'fixed') throw new Error(seen.kind);
      const pause = { until, reason: 'The worker ended' };
      const request = { mailbox: mailbox.id, subscription: 'crm', now: mailbox.now };
      await mailbox.store.beginDelivery({ ...request, next: seen, pause });
      await replay(mailbox);
      expect(await next(mailbox)).toEqual({ kind: 'waits', until });
    });

    /** Releases the replay under way, and begins it again as another worker would. */
    async function replayedAfterRelease(mailbox: TestMailbox): Promise<BegunDelivery> {
      const seen = await next(mailbox);
      if (seen.kind !== 'parked' || seen.unended === null) throw new Error(seen.kind);
      const request = { mailbox: mailbox.id, subscription: 'crm', id: seen.unended, attempt: 1 };
      await mailbox.store.releaseDelivery(request);
      return begun(mailbox);
    }

    it('comes in its place when the subscription goes back, and its replay under way no longer counts', async () => {
      const mailbox = open();
      await parkedSecond(mailbox);
      const late = await replayed(mailbox);
      await mailbox.store.replay({ name: 'crm', mailbox: null, from: { after: 1 } });
      expect(await mailbox.store.acceptDelivery(named(mailbox, late))).toBe(false);
      expect((await accept(mailbox)).changes).toMatchObject([{ sequence: 2 }]);
      expect((await accept(mailbox)).changes).toMatchObject([{ sequence: 3 }]);
      expect(await position(mailbox)).toMatchObject({ sequence: 3, parked: 0 });
    });

    it('stays parked once its change has been pruned', async () => {
      const mailbox = open();
      const { id } = await parkedSecond(mailbox);
      await replay(mailbox);
      expect(await mailbox.store.pruneChanges({ before: mailbox.now + 1 })).toBe(3);
      expect(await step(mailbox)).toEqual({ kind: 'idle' });
      expect(await parked(mailbox)).toMatchObject([
        { deliveryId: id, attempts: 1, error: expect.stringContaining('pruned'), awaitsReplay: false },
      ]);
      expect(await replay(mailbox)).toEqual([{ mailbox: mailbox.id, again: 0, notKept: 1 }]);
      expect((await found(mailbox)).due).toEqual([]);
    });

    it('is not replayed where the mailbox or the subscription no longer delivers', async () => {
      const mailbox = open();
      const { id } = await parkedSecond(mailbox);
      const { store, now } = mailbox;
      const bob = mailboxId('bob@example.com');
      expect(await store.replayParked({ name: 'crm', mailbox: bob, id: null, now })).toEqual([]);
      expect(await replay(mailbox, 'dlv_of_another')).toEqual([]);
      await subscribe(mailbox, { filter: { ...EVERY_CHANGE, mailboxes: [bob] } });
      expect(await replay(mailbox, id)).toEqual([]);
      await subscribe(mailbox);
      await store.endSubscription({ name: 'crm', reason: '410', now });
      expect(await replay(mailbox, id)).toEqual([]);
      expect(await store.replayParked({ name: 'none', mailbox: null, id: null, now })).toEqual([]);
    });

    it('stops being parked in the same transaction as the work of its target', async () => {
      const mailbox = open();
      await parkedSecond(mailbox);
      const delivery = await replayed(mailbox);
      const failing = mailbox.store.acceptWithin(named(mailbox, delivery), async (query) => {
        await query('delete from changes');
        throw new RangeError('the target failed');
      });
      await expect(failing).rejects.toThrow('the target failed');
      expect(await mailbox.feed()).toHaveLength(3);
      expect(await parked(mailbox)).toMatchObject([{ awaitsReplay: true }]);
      expect(await mailbox.store.acceptWithin(named(mailbox, delivery), async () => undefined)).toBe(true);
      expect(await parked(mailbox)).toEqual([]);
    });
  });
}
