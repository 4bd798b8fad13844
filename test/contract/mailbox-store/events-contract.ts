import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../../src/model/ids.ts';
import { NOT_FOUND, UNSEEN } from '../../../src/model/not-found.ts';
import type { EventDetails } from '../../../src/model/subscribed-event.ts';
import {
  EVERY_CHANGE,
  InvalidSubscriptionError,
  type Beginning,
  type ChangeFilter,
} from '../../../src/model/subscription.ts';
import type { BegunDelivery } from '../../../src/store/subscriptions/delivery-store.ts';
import { begun, CRM, named, position, step } from '../../fixtures/store/crm-deliveries.ts';
import { deleted, labelled, m, reading, record } from '../../fixtures/store/contract-messages.ts';
import { TestMailbox, useMailbox, type StoreFixture } from '../../fixtures/store/tested-store.ts';

const IN_SYNC: EventDetails = { kind: 'in-sync' };
const REVOKED: EventDetails = { kind: 'needs-consent', code: 'access-revoked', reason: 'The grant was revoked.' };
const ALL: Partial<ChangeFilter> = { events: ['needs-consent', 'recovered', 'in-sync', 'message-failed'] };

const subscribe = (
  mailbox: TestMailbox,
  filter: Partial<ChangeFilter> = ALL,
  beginning: Beginning = { kind: 'first' },
) =>
  mailbox.store.putSubscription({
    definition: { ...CRM, batch: 100, filter: { ...EVERY_CHANGE, ...filter } },
    beginning,
    now: mailbox.now,
  });
const note = (mailbox: TestMailbox, id: string, details: EventDetails) =>
  mailbox.store.noteEvents({ mailbox: mailbox.id, events: [{ id, at: mailbox.now, details }] });
const isDue = async (mailbox: TestMailbox) =>
  (await mailbox.store.findDeliveries({ mailbox: mailbox.id, now: mailbox.now })).due.length > 0;
const told = ({ event, changes }: BegunDelivery): string =>
  event === null ? changes.map(({ kind, messageId }) => `${kind} ${messageId}`).join(', ') : event.kind;

/** Accepts every delivery that there is, and says what each held. */
async function rest(mailbox: TestMailbox): Promise<readonly string[]> {
  const all: string[] = [];
  for (let next = await step(mailbox); next.kind === 'begun'; next = await step(mailbox)) {
    expect(await mailbox.store.acceptDelivery(named(mailbox, next.delivery))).toBe(true);
    all.push(told(next.delivery));
  }
  return all;
}

/** Two changes, an event, a change, and another event. */
async function eventful(mailbox: TestMailbox): Promise<void> {
  await mailbox.put();
  await mailbox.sync([reading('a'), reading('b')]);
  await note(mailbox, '1', IN_SYNC);
  mailbox.now += 1_000;
  await mailbox.apply([record(200, labelled('a', 'X'))]);
  await note(mailbox, '2', REVOKED);
}

export function events(fixture: StoreFixture): void {
  describe('events of a mailbox', () => {
    const open = useMailbox(fixture);

    it('and changes have a time that a date can hold, whatever clock wrote it', async () => {
      const mailbox = open();
      await mailbox.put();
      await subscribe(mailbox);
      mailbox.now = Number.MAX_SAFE_INTEGER - 1_000_000;
      await mailbox.sync([reading('a')]);
      await note(mailbox, '1', IN_SYNC);
      const change = await begun(mailbox);
      await mailbox.store.acceptDelivery(named(mailbox, change));
      const event = await begun(mailbox);
      expect([change.changes[0]?.at, event.event?.at]).toEqual([8.64e15, 8.64e15]);
    });

    it('come one to a delivery, in their place among the changes', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox);
      expect(await isDue(mailbox)).toBe(true);
      expect(await rest(mailbox)).toEqual(['stored a, stored b', 'in-sync', 'labels a', 'needs-consent']);
      expect(await isDue(mailbox)).toBe(false);
      expect(await position(mailbox)).toMatchObject({ sequence: 3, head: 3, event: 2, eventHead: 2, delivered: 5 });
    });

    it('say what happened, and when', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox, { ...ALL, kinds: [] });
      expect((await begun(mailbox)).event).toEqual({
        mailbox: mailbox.id,
        number: 1,
        after: 2,
        at: mailbox.now - 1_000,
        kind: 'in-sync',
      });
      await mailbox.store.acceptDelivery(named(mailbox, await begun(mailbox)));
      expect((await begun(mailbox)).event).toEqual({
        mailbox: mailbox.id,
        number: 2,
        after: 3,
        at: mailbox.now,
        ...REVOKED,
      });
    });

    it('make no difference to a subscription that does not ask for them, nor to the feed', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox, {});
      expect(await rest(mailbox)).toEqual(['stored a, stored b, labels a']);
      expect((await mailbox.changes()).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
      await note(mailbox, '3', IN_SYNC);
      expect(await isDue(mailbox)).toBe(false);
      expect(await position(mailbox)).toMatchObject({ sequence: 3, event: 3, delivered: 3 });
      expect(await mailbox.store.listSubscriptions()).toMatchObject([{ filter: { events: [] } }]);
    });

    it('do not reach a subscription to other mailboxes', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox, { ...ALL, mailboxes: [mailboxId('bob@example.com')] });
      expect(await isDue(mailbox)).toBe(false);
      expect(await step(mailbox)).toEqual({ kind: 'idle' });
    });

    it('of a kind that the subscription does not ask for are passed over, and the others come', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox, { kinds: [], events: ['needs-consent'] });
      expect(await isDue(mailbox)).toBe(true);
      expect(await rest(mailbox)).toEqual(['needs-consent']);
      // A kind that is asked for later brings only the events from then on.
      await subscribe(mailbox, { kinds: [], events: ['needs-consent', 'in-sync'] });
      expect(await rest(mailbox)).toEqual([]);
      await note(mailbox, '3', IN_SYNC);
      expect(await rest(mailbox)).toEqual(['in-sync']);
    });

    it('are stored once, however often an attempt notes them', async () => {
      const mailbox = open();
      await eventful(mailbox);
      const both = [
        { id: '2', at: 1, details: REVOKED },
        { id: '3', at: 2, details: IN_SYNC },
      ];
      await mailbox.store.noteEvents({ mailbox: mailbox.id, events: both });
      await mailbox.store.noteEvents({ mailbox: mailbox.id, events: both });
      await subscribe(mailbox, { ...ALL, kinds: [] });
      expect(await rest(mailbox)).toEqual(['in-sync', 'needs-consent', 'in-sync']);
    });

    it('keep their delivery id, are parked one by one, and are replayed from their place', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox);
      await mailbox.store.acceptDelivery(named(mailbox, await begun(mailbox)));
      const first = await begun(mailbox);
      await mailbox.apply([record(300, deleted('b'))]);
      const again = await begun(mailbox);
      expect([again.id, told(again), again.attempt]).toEqual([first.id, 'in-sync', 2]);
      const failed = { attempt: 2, error: 'HTTP 500', next: { kind: 'park' } } as const;
      await mailbox.store.failDelivery({ ...named(mailbox, again), ...failed });
      expect(await mailbox.store.listParked({ name: 'crm', limit: 10 })).toMatchObject([
        { sequence: 2, event: { number: 1, kind: 'in-sync' }, deliveryId: first.id, error: 'HTTP 500' },
      ]);
      expect(await mailbox.store.countDeliveries()).toEqual([{ name: 'crm', failing: 0, parked: 1 }]);
      expect(await position(mailbox)).toMatchObject({ parked: 1 });
      expect(await rest(mailbox)).toEqual(['labels a', 'needs-consent', 'gone b']);
      await mailbox.store.replay({ name: 'crm', mailbox: null, from: { after: 2 } });
      expect(await mailbox.store.listParked({ name: 'crm', limit: 10 })).toEqual([]);
      const replayed = await begun(mailbox);
      expect(told(replayed)).toBe('in-sync');
      expect(replayed.id).not.toBe(first.id);
      expect(await rest(mailbox)).toEqual(['in-sync', 'labels a', 'needs-consent', 'gone b']);
      await mailbox.store.replay({ name: 'crm', mailbox: null, from: { since: mailbox.now } });
      expect(await rest(mailbox)).toEqual(['labels a', 'needs-consent', 'gone b']);
    });

    it('wait for their next attempt as changes do, and hold up what is behind them', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox, { ...ALL, kinds: [] });
      const delivery = await begun(mailbox);
      const until = mailbox.now + 5_000;
      const failed = { attempt: 1, error: 'HTTP 500', next: { kind: 'retry', at: until } } as const;
      await mailbox.store.failDelivery({ ...named(mailbox, delivery), ...failed });
      expect(await isDue(mailbox)).toBe(false);
      expect(await step(mailbox)).toEqual({ kind: 'waits', until });
      expect(await position(mailbox)).toMatchObject({ delivery: { id: delivery.id, changes: 0, event: 1 } });
      mailbox.now = until;
      expect(await rest(mailbox)).toEqual(['in-sync', 'needs-consent']);
    });

    it('are offered one at a time, and findDeliveries gives no sequence number while one waits', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox);
      const next = () => mailbox.store.nextDelivery({ mailbox: mailbox.id, subscription: 'crm', now: mailbox.now });
      expect(await next()).toMatchObject({ changes: [{}, {}], event: null });
      const { upTo } = await mailbox.store.findDeliveries({ mailbox: mailbox.id, now: mailbox.now });
      expect(upTo).toBeNull();
      await mailbox.store.acceptDelivery(named(mailbox, await begun(mailbox)));
      expect(await next()).toMatchObject({ changes: [], event: { kind: 'in-sync' } });
      await rest(mailbox);
      expect(await next()).toEqual({ kind: 'idle' });
      await mailbox.apply([record(300, deleted('b'))]);
      expect(await mailbox.store.findDeliveries({ mailbox: mailbox.id, now: mailbox.now })).toMatchObject({ upTo: 4 });
    });

    it.each([
      ['now', { kind: 'now' }, []],
      ['at the first', { kind: 'first' }, ['in-sync', 'needs-consent']],
      ['at a time', { kind: 'since', at: 110_500 }, ['needs-consent']],
    ] as const)('begin %s, as the subscription does', async (_, beginning, expected) => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox, { ...ALL, kinds: [] }, beginning);
      expect(await rest(mailbox)).toEqual(expected);
    });

    it('name a message that fails, once until it is stored', async () => {
      const mailbox = open();
      await mailbox.put();
      await mailbox.sync([reading('a')]);
      await subscribe(mailbox, { ...ALL, kinds: [] });
      await mailbox.store.addListedLate({
        mailbox: mailbox.id,
        generation: mailbox.generation,
        messages: [{ id: m('b'), threadId: reading('b').threadId }],
        since: null,
        now: mailbox.now,
      });
      await mailbox.failFetch('b', { state: 'pending', error: 'no answer' });
      expect(await rest(mailbox)).toEqual([]);
      await mailbox.failFetch('b', { error: 'Gmail answers 500', attempts: 5 });
      await mailbox.failFetch('b', { error: 'Gmail answers 500', attempts: 6 });
      const { event } = await begun(mailbox);
      expect(event).toMatchObject({ kind: 'message-failed', messageId: 'b', reason: 'Gmail answers 500' });
      expect(await rest(mailbox)).toEqual(['message-failed']);
      await mailbox.save(reading('b'));
      expect(await rest(mailbox)).toEqual([]);
    });

    it('name no message that only 404s speak of, but one that still fails afterwards', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await subscribe(mailbox, { ...ALL, kinds: [] });
      await mailbox.failFetch('a', { state: 'unseen', error: UNSEEN });
      await mailbox.failFetch('a', { state: 'pending', error: UNSEEN });
      await mailbox.failFetch('a', { state: 'unseen', error: UNSEEN });
      await mailbox.store.retryFailed({ mailbox: mailbox.id, now: mailbox.now });
      await mailbox.failFetch('a', { state: 'pending', error: NOT_FOUND });
      expect(await mailbox.counts()).toMatchObject({ pending: 1, failed: 0 });
      await mailbox.failFetch('a', { state: 'unseen', error: UNSEEN });
      expect(await mailbox.counts()).toMatchObject({ pending: 0, failed: 1 });
      expect(await rest(mailbox)).toEqual([]);
      await mailbox.failFetch('a', { error: 'Gmail answers 500', attempts: 5 });
      expect((await begun(mailbox)).event).toMatchObject({ messageId: 'a', reason: 'Gmail answers 500' });
      expect(await rest(mailbox)).toEqual(['message-failed']);
    });

    it('name a failing message once, whatever its later attempts fail with', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await subscribe(mailbox, { ...ALL, kinds: [] });
      await mailbox.failFetch('a', { error: 'Gmail refuses this message: failedPrecondition', attempts: 2 });
      await mailbox.failFetch('a', { state: 'pending', error: 'Gmail answers 503', attempts: 3 });
      await mailbox.failFetch('a', { state: 'pending', error: NOT_FOUND });
      expect(await mailbox.counts(), 'a full sync does not wait for it again').toMatchObject({ pending: 0, failed: 1 });
      await mailbox.store.retryFailed({ mailbox: mailbox.id, now: mailbox.now });
      await mailbox.failFetch('a', { error: 'Gmail answers 503', attempts: 5 });
      expect(await rest(mailbox)).toEqual(['message-failed']);
    });

    it('are pruned by their time, but kept while a delivery waits to bring them', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox, { ...ALL, kinds: [] });
      const first = await begun(mailbox);
      expect(await mailbox.store.pruneEvents({ before: mailbox.now })).toBe(0);
      await mailbox.store.acceptDelivery(named(mailbox, first));
      expect(await mailbox.store.pruneEvents({ before: mailbox.now })).toBe(1);
      expect(await rest(mailbox)).toEqual(['needs-consent']);
      expect(await mailbox.store.pruneEvents({ before: mailbox.now + 1 })).toBe(1);
      await note(mailbox, '3', IN_SYNC);
      expect(await rest(mailbox)).toEqual(['in-sync']);
    });

    it('follow a mailbox to its new address, and leave nothing when it is removed', async () => {
      const mailbox = open();
      await eventful(mailbox);
      await subscribe(mailbox, { ...ALL, kinds: [] });
      const to = mailboxId('bob@example.com');
      await mailbox.store.renameMailbox({ from: mailbox.id, to, chain: null, now: 1 });
      const bob = new TestMailbox(mailbox.store, to);
      expect((await begun(bob)).event).toMatchObject({ mailbox: to });
      await mailbox.store.beginRemoval({ mailbox: to, chain: null, now: 1 });
      await mailbox.store.finishRemovals({ now: 1 });
      expect(await mailbox.store.readPositions('crm')).toEqual([]);
      await bob.put();
      await bob.sync([reading('a')]);
      expect(await rest(bob)).toEqual([]);
    });

    it('of an unknown kind are refused', async () => {
      const unknown = JSON.parse('["need-consent"]') as ChangeFilter['events'];
      await expect(async () => subscribe(open(), { events: unknown })).rejects.toThrow(InvalidSubscriptionError);
    });
  });
}
