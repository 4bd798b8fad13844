import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../../src/model/ids.ts';
import { EVERY_CHANGE, type Beginning, type SubscriptionDefinition } from '../../../src/model/subscription.ts';
import type { BegunDelivery } from '../../../src/store/subscriptions/delivery-store.ts';
import { beginNext } from '../../fixtures/store/begin-next.ts';
import { begun, CRM, filled, named, position, step } from '../../fixtures/store/crm-deliveries.ts';
import { deleted, l, labelled, record } from '../../fixtures/store/contract-messages.ts';
import { TestMailbox, useMailbox, type StoreFixture } from '../../fixtures/store/tested-store.ts';

const FIRST: Beginning = { kind: 'first' };

const subscribe = (mailbox: TestMailbox, changes: Partial<SubscriptionDefinition> = {}, beginning: Beginning = FIRST) =>
  mailbox.store.putSubscription({ definition: { ...CRM, ...changes }, beginning, now: mailbox.now });
const due = async (mailbox: TestMailbox) =>
  (await mailbox.store.findDeliveries({ mailbox: mailbox.id, now: mailbox.now })).due.map(
    ({ subscription }) => subscription,
  );
const told = ({ changes }: BegunDelivery) => changes.map(({ kind, messageId }) => `${kind} ${messageId}`);

async function accepted(mailbox: TestMailbox): Promise<readonly string[]> {
  const delivery = await begun(mailbox);
  expect(await mailbox.store.acceptDelivery(named(mailbox, delivery))).toBe(true);
  return told(delivery);
}

async function rest(mailbox: TestMailbox): Promise<readonly string[]> {
  const all: string[] = [];
  for (let next = await step(mailbox); next.kind === 'begun'; next = await step(mailbox)) {
    await mailbox.store.acceptDelivery(named(mailbox, next.delivery));
    all.push(...told(next.delivery));
  }
  return all;
}

export function deliveries(fixture: StoreFixture): void {
  describe('a subscription', () => {
    const open = useMailbox(fixture);

    it('gets every change in order, in batches that stay as they were first attempted', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      expect(await due(mailbox)).toEqual(['crm']);
      const first = await begun(mailbox);
      await mailbox.apply([record(200, labelled('a', 'X'))]);
      const again = await begun(mailbox);
      expect([again.id, told(again), again.attempt]).toEqual([first.id, told(first), 2]);
      expect(await mailbox.store.acceptDelivery(named(mailbox, again))).toBe(true);
      expect([...told(first), ...(await rest(mailbox))]).toEqual(await mailbox.feed());
      expect(await due(mailbox)).toEqual([]);
      expect(await position(mailbox)).toMatchObject({ sequence: 4, head: 4, delivered: 4, delivery: null, parked: 0 });
    });

    it('is moved neither back nor ahead by an attempt that ends late', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      const late = await begun(mailbox);
      await accepted(mailbox);
      const next = await begun(mailbox);
      expect(await mailbox.store.acceptDelivery(named(mailbox, late))).toBe(false);
      await mailbox.store.failDelivery({ ...named(mailbox, late), attempt: 1, error: 'late', next: { kind: 'park' } });
      expect(await position(mailbox)).toMatchObject({ sequence: 2, error: null, parked: 0, delivery: { id: next.id } });
    });

    it('begins now, at the first change or at a time, and in a mailbox added later at its first change', async () => {
      const mailbox = open();
      await filled(mailbox);
      mailbox.now += 1_000;
      await mailbox.apply([record(200, deleted('a'))]);
      const at = (beginning: Beginning) => subscribe(mailbox, {}, beginning);
      await at({ kind: 'first' });
      expect(await rest(mailbox)).toEqual(await mailbox.feed());
      await mailbox.store.removeSubscription('crm');
      await at({ kind: 'now' });
      expect(await rest(mailbox)).toEqual([]);
      await mailbox.store.removeSubscription('crm');
      await at({ kind: 'since', at: mailbox.now });
      expect(await rest(mailbox)).toEqual(['gone a']);
      await mailbox.store.removeSubscription('crm');
      await at({ kind: 'now' });
      const bob = new TestMailbox(mailbox.store, mailboxId('bob@example.com'));
      await filled(bob);
      expect(await rest(bob)).toHaveLength(3);
    });

    it('gets what its filter lets through, and passes over the rest without an attempt', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox, { filter: { ...EVERY_CHANGE, kinds: ['labels', 'gone'] } });
      expect(await due(mailbox)).toEqual([]);
      expect(await position(mailbox)).toMatchObject({ sequence: 3 });
      await mailbox.apply([record(200, labelled('a', 'X'), deleted('b'))]);
      expect(await due(mailbox)).toEqual(['crm']);
      expect((await rest(mailbox)).toSorted()).toEqual(['gone b', 'labels a']);
      await subscribe(mailbox, { filter: { ...EVERY_CHANGE, labels: [l('X')] } });
      await mailbox.store.replay({ name: 'crm', mailbox: null, from: { after: 0 } });
      expect(await rest(mailbox)).toEqual(['labels a']);
      await subscribe(mailbox, { filter: { ...EVERY_CHANGE, mailboxes: [mailboxId('bob@example.com')] } });
      await mailbox.apply([record(300, labelled('c', 'X'))]);
      expect(await due(mailbox)).toEqual([]);
      expect((await step(mailbox)).kind).toBe('idle');
    });

    it('waits until its next attempt, and counts an attempt that never ended', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      await begun(mailbox);
      const { attempt, ...delivery } = await begun(mailbox);
      const until = mailbox.now + 5_000;
      const failed = { attempt, error: 'HTTP 500', next: { kind: 'retry', at: until } } as const;
      await mailbox.store.failDelivery({ ...named(mailbox, { attempt, ...delivery }), ...failed });
      expect(await due(mailbox)).toEqual([]);
      expect(await step(mailbox)).toEqual({ kind: 'waits', until });
      expect(await position(mailbox)).toMatchObject({ error: 'HTTP 500', remedy: null, delivery: { attempts: 2 } });
      expect(await mailbox.store.countDeliveries()).toEqual([{ name: 'crm', failing: 1, parked: 0 }]);
      mailbox.now = until;
      expect(await due(mailbox)).toEqual(['crm']);
      expect(await begun(mailbox)).toMatchObject({ attempt: 3, id: delivery.id });
    });

    it('waits for a day at most: a later time was written by a wrong clock, and its delivery is due', async () => {
      const DAY = 24 * 3_600_000;
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      const { now } = mailbox;
      mailbox.now = now + 30 * DAY;
      const { attempt, ...delivery } = await begun(mailbox);
      const failed = { attempt, error: 'HTTP 500', next: { kind: 'retry', at: mailbox.now + DAY } } as const;
      await mailbox.store.failDelivery({ ...named(mailbox, { attempt, ...delivery }), ...failed });
      expect(await step(mailbox)).toEqual({ kind: 'waits', until: mailbox.now + DAY });
      mailbox.now = now;
      expect(await due(mailbox)).toEqual(['crm']);
      const again = await begun(mailbox);
      expect(again).toMatchObject({ id: delivery.id, attempt: 2, firstAttemptAt: now });
      expect(await mailbox.store.acceptDelivery(named(mailbox, again))).toBe(true);
      await mailbox.store.postponeDelivery({
        mailbox: mailbox.id,
        subscription: 'crm',
        until: now + 30 * DAY,
        reason: 'x',
      });
      expect(await due(mailbox)).toEqual(['crm']);
      expect(await rest(mailbox)).toHaveLength(1);
    });

    it('names its target while a delivery is due, and refuses a target of another kind', async () => {
      const mailbox = open();
      await filled(mailbox);
      const target = {
        kind: 'webhook',
        url: 'https://example.com/hooks',
        allowPrivate: false,
        fields: ['subject'],
        link: null,
      } as const;
      await subscribe(mailbox, { name: 'hook', target });
      await subscribe(mailbox);
      const found = () => mailbox.store.findDeliveries({ mailbox: mailbox.id, now: mailbox.now });
      expect(await found()).toEqual({
        due: [
          { subscription: 'crm', target: 'handler' },
          { subscription: 'hook', target: 'webhook' },
        ],
        listening: ['handler', 'webhook'],
        waiting: [],
        upTo: 3,
      });
      await rest(mailbox);
      await mailbox.store.postponeDelivery({
        mailbox: mailbox.id,
        subscription: 'hook',
        until: mailbox.now + 1,
        reason: 'it fails',
      });
      expect(await found()).toEqual({
        due: [],
        listening: ['handler'],
        waiting: [{ subscription: 'hook', target: 'webhook', until: mailbox.now + 1 }],
        upTo: 0,
      });
      expect((await mailbox.store.listSubscriptions()).map((each) => each.target)).toEqual([
        { kind: 'handler' },
        target,
      ]);
      await expect(subscribe(mailbox, { target })).rejects.toThrow('The subscription crm has a handler already');
      expect(await subscribe(mailbox, { name: 'hook', target: { ...target, link: 'https://a.example' } })).toBe(
        'changed',
      );
    });

    it('offers the changes of its next delivery, and fixes fewer where its target takes fewer', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox, { batch: 3 });
      const request = { mailbox: mailbox.id, subscription: 'crm', now: mailbox.now };
      const next = () => mailbox.store.nextDelivery(request);
      const found = await next();
      if (found.kind !== 'found') throw new Error(found.kind);
      expect([found.after.sequence, found.changes.map(({ sequence }) => sequence), found.passed.sequence]).toEqual([
        0,
        [1, 2, 3],
        3,
      ]);
      const begin = (most: number) =>
        mailbox.store.beginDelivery({ ...request, next: { ...found, changes: found.changes.slice(0, most) } });
      const first = await begin(2);
      if (first.kind !== 'begun') throw new Error(first.kind);
      expect(first.delivery.changes.map(({ sequence }) => sequence)).toEqual([1, 2]);
      expect(await next()).toMatchObject({ kind: 'fixed', delivery: { id: first.delivery.id } });
      // The delivery is fixed now, even if its target would take fewer a moment later.
      expect(await begin(1)).toMatchObject({ delivery: { id: first.delivery.id, attempt: 2, changes: [{}, {}] } });
      await mailbox.store.acceptDelivery(named(mailbox, first.delivery));
      expect(await next()).toMatchObject({ kind: 'found', after: { sequence: 2 }, changes: [{ sequence: 3 }] });
      // What was found before the position moved is not delivered again.
      expect(await begin(3)).toEqual({ kind: 'passed' });
      await rest(mailbox);
      expect(await next()).toEqual({ kind: 'idle' });
    });

    it('keeps the remedy for a delivery that waits until the next attempt ends', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      const remedy = { kind: 'end-subscription', subscription: 'crm' } as const;
      const waiting = { mailbox: mailbox.id, subscription: 'crm', until: mailbox.now + 5_000 };
      await mailbox.store.postponeDelivery({ ...waiting, reason: 'no handler', remedy });
      expect(await position(mailbox)).toMatchObject({ error: 'no handler', remedy });
      mailbox.now += 5_000;
      const delivery = await begun(mailbox);
      const failed = { attempt: 1, error: 'no keys', next: { kind: 'retry', at: mailbox.now } } as const;
      const another = { kind: 'new-webhook-secret', subscription: 'crm' } as const;
      await mailbox.store.failDelivery({ ...named(mailbox, delivery), ...failed, remedy: another });
      expect(await position(mailbox)).toMatchObject({ error: 'no keys', remedy: another });
      await accepted(mailbox);
      expect(await position(mailbox)).toMatchObject({ error: null, remedy: null });
    });

    it('parks only the change that fails, and delivers the others of its batch', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox, { batch: 3 });
      const batch = await begun(mailbox);
      const [, poison = batch.changes[0]] = batch.changes;
      const park = (delivery: BegunDelivery) =>
        mailbox.store.failDelivery({
          ...named(mailbox, delivery),
          attempt: delivery.attempt,
          error: 'cannot be parsed',
          next: { kind: 'park' },
        });
      await park(batch);
      expect(await accepted(mailbox)).toHaveLength(1);
      const single = await begun(mailbox);
      expect([single.isSplit, single.changes]).toEqual([true, [poison]]);
      await park(single);
      expect(await accepted(mailbox)).toHaveLength(1);
      expect(await position(mailbox)).toMatchObject({ sequence: 3, delivered: 2, parked: 1 });
      const parked = { mailbox: mailbox.id, sequence: 2, deliveryId: single.id, error: 'cannot be parsed' };
      expect(await mailbox.store.listParked({ name: 'crm', limit: 10 })).toMatchObject([parked]);
      expect(await mailbox.store.replay({ name: 'crm', mailbox: mailbox.id, from: { after: 1 } })).toEqual([
        { mailbox: mailbox.id, notKept: 0 },
      ]);
      expect(await mailbox.store.listParked({ name: 'crm', limit: 10 })).toEqual([]);
      const again = await begun(mailbox);
      expect(again.changes).toHaveLength(2);
      expect(again.id).not.toBe(single.id);
    });

    it('is replayed from a time on only in a mailbox that has changed since', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      expect(await rest(mailbox)).toHaveLength(3);
      mailbox.now += 1_000;
      await mailbox.apply([record(200, deleted('a'))]);
      expect(await rest(mailbox)).toEqual(['gone a']);
      const replay = (since: number) => mailbox.store.replay({ name: 'crm', mailbox: null, from: { since } });
      expect(await replay(mailbox.now + 1)).toEqual([]);
      expect(await replay(mailbox.now)).toEqual([{ mailbox: mailbox.id, notKept: 0 }]);
      expect(await rest(mailbox)).toEqual(['gone a']);
      expect(await replay(0)).toEqual([{ mailbox: mailbox.id, notKept: 0 }]);
      expect(await rest(mailbox)).toHaveLength(4);
    });

    it('says how many changes it did not get because they were pruned', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      await rest(mailbox);
      await mailbox.store.pruneChanges({ before: mailbox.now + 1 });
      mailbox.now += 1_000;
      await mailbox.apply([record(200, deleted('a'))]);
      const replay = (from: { after: number } | { since: number }) =>
        mailbox.store.replay({ name: 'crm', mailbox: null, from });
      expect(await replay({ after: 1 })).toEqual([{ mailbox: mailbox.id, notKept: 2 }]);
      expect(await due(mailbox)).toEqual(['crm']);
      expect(await rest(mailbox)).toEqual(['gone a']);
      expect(await position(mailbox)).toMatchObject({ sequence: 4, notKept: 2 });
      expect(await replay({ since: 0 })).toEqual([{ mailbox: mailbox.id, notKept: null }]);
      expect(await rest(mailbox)).toEqual(['gone a']);
      await subscribe(mailbox, { name: 'late' });
      const late = { mailbox: mailbox.id, subscription: 'late', now: mailbox.now };
      expect(await beginNext(mailbox.store, late)).toMatchObject({ delivery: { changes: [{ kind: 'gone' }] } });
      expect((await mailbox.store.readPositions('late'))[0]).toMatchObject({ notKept: 3 });
    });

    it('moves in the same transaction as the work of its target', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      const delivery = await begun(mailbox);
      const failing = mailbox.store.acceptWithin(named(mailbox, delivery), async (query) => {
        await query('delete from changes');
        throw new RangeError('the target failed');
      });
      await expect(failing).rejects.toThrow('the target failed');
      expect(await mailbox.feed()).toHaveLength(3);
      expect(await position(mailbox)).toMatchObject({ sequence: 0 });
      const counted: unknown[] = [];
      await mailbox.store.acceptWithin(named(mailbox, delivery), async (query) => {
        counted.push(
          ...(await query(
            `select kind from changes where sequence = ${fixture.name.startsWith('PostgreSQL') ? '$1' : '?'}`,
            [1],
          )),
        );
      });
      expect(counted).toEqual([{ kind: 'stored' }]);
      expect(await position(mailbox)).toMatchObject({ sequence: 2 });
      expect(await mailbox.store.acceptWithin(named(mailbox, delivery), () => Promise.reject(new Error('late')))).toBe(
        false,
      );
    });

    it('ends, and delivers again when it is created again', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox);
      await mailbox.store.endSubscription({ name: 'crm', reason: '410', now: 5 });
      expect(await mailbox.store.listSubscriptions()).toMatchObject([{ name: 'crm', ended: { at: 5, reason: '410' } }]);
      expect(await due(mailbox)).toEqual([]);
      expect(await subscribe(mailbox)).toBe('changed');
      expect(await subscribe(mailbox)).toBe('same');
      expect(await rest(mailbox)).toHaveLength(3);
    });

    it('follows a mailbox to its new address, and leaves nothing behind when either is removed', async () => {
      const mailbox = open();
      await filled(mailbox);
      await subscribe(mailbox, { filter: { ...EVERY_CHANGE, mailboxes: [mailbox.id] } });
      await accepted(mailbox);
      const to = mailboxId('bob@example.com');
      await mailbox.store.renameMailbox({ from: mailbox.id, to, chain: null, now: 1 });
      const bob = new TestMailbox(mailbox.store, to);
      expect(await rest(bob)).toHaveLength(1);
      await mailbox.store.beginRemoval({ mailbox: to, chain: null, now: 1 });
      await mailbox.store.finishRemovals({ now: 1 });
      expect(await mailbox.store.readPositions('crm')).toEqual([]);
      expect(await mailbox.store.removeSubscription('crm')).toBe(true);
      expect(await mailbox.store.removeSubscription('crm')).toBe(false);
    });
  });
}
