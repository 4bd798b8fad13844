import { afterEach, beforeEach, expect, it } from 'vitest';

import { EVENT_KINDS } from '../../src/model/subscribed-event.ts';
import { beginNext } from '../fixtures/store/begin-next.ts';
import { connectSimulated } from '../fixtures/gmail/simulated-worker.ts';
import { EVERY_CHANGE } from '../../src/model/subscription.ts';
import { ADA, RunningMailbox } from './running-mailbox.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SUBSCRIPTION = 'crm';

let ada: RunningMailbox;
beforeEach(async () => {
  ada = await RunningMailbox.open();
  const definition = {
    name: SUBSCRIPTION,
    target: { kind: 'handler' },
    filter: { ...EVERY_CHANGE, kinds: [], events: EVENT_KINDS },
    batch: 1,
    order: { kind: 'above-all' },
  } as const;
  await ada.stores.store.putSubscription({ definition, beginning: { kind: 'first' }, now: ada.clock.now() });
});
afterEach(() => ada.close());

/** Accepts the events that wait, and answers them. */
async function accepted() {
  const { store } = ada.stores;
  const named = { mailbox: ADA, subscription: SUBSCRIPTION };
  const events = [];
  for (;;) {
    const now = ada.clock.now();
    const step = await beginNext(store, { ...named, now });
    if (step.kind !== 'begun') return events;
    await store.acceptDelivery({ ...named, id: step.delivery.id, now });
    if (step.delivery.event !== null) events.push(step.delivery.event);
  }
}
const kinds = async () => (await accepted()).map(({ kind }) => kind);

it('A mailbox reports once that it needs consent, however often it asks Gmail, and once that it is back', async () => {
  ada.receive(20);
  await ada.settle();
  expect(await kinds()).toEqual(['in-sync']);
  ada.simulator.revoke(ADA);
  await ada.run(5 * DAY);
  expect(ada.lanes.state.blocked?.asks).toBeGreaterThan(3);
  const [event, ...others] = await accepted();
  expect(others).toEqual([]);
  expect(event).toMatchObject({ kind: 'needs-consent', code: 'access-revoked' });
  expect(event?.kind === 'needs-consent' && event.reason).toContain('no longer accepts the credentials of ada@');
  ada.receive(3, { from: ada.clock.now() });
  ada.simulator.grant(ADA);
  await connectSimulated(ada, ADA);
  ada.lanes.dispatch({ kind: 'reconnected' });
  await ada.settle();
  expect(await kinds()).toEqual(['in-sync']);
});

it('A mailbox reports once that it has recovered after history expired', async () => {
  const ids = ada.receive(20);
  await ada.settle();
  ada.gmail.deleteAll(ids.slice(0, 5));
  ada.gmail.expireHistory();
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
  expect(await kinds()).toEqual(['in-sync', 'recovered']);
  await ada.run(2 * DAY);
  expect(await kinds()).toEqual([]);
});

it('A mailbox reports a failed message once, and that it is in sync without that message', async () => {
  const [culprit = ''] = ada.receive(20);
  ada.gmail.poison(culprit, 400);
  await ada.settle();
  await ada.run(2 * DAY);
  const events = await accepted();
  expect(events.map(({ kind }) => kind)).toEqual(['message-failed', 'in-sync']);
  expect(events[0]).toMatchObject({ messageId: culprit, reason: expect.stringContaining('Gmail refuses') });
});

/**
 * Has a draft deleted before it is fetched, as the next save of a draft does, and long before history shows that.
 *
 * @returns its id
 */
async function deleteDraftUnfetched(): Promise<string> {
  const [draft = ''] = ada.receive(1, { labelIds: ['DRAFT'], from: ada.clock.now() });
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.run(MINUTE / 2);
  ada.gmail.lag.historyMs = 2 * 60 * MINUTE;
  ada.gmail.delete(draft);
  return draft;
}

const failing = async () => (await ada.stores.store.listFailed(ADA, 9)).map(({ id, error }) => [id, error]);

it('A mailbox reports no message as failed that was deleted, before history shows that either', async () => {
  ada.receive(20);
  await ada.settle();
  expect(await kinds()).toEqual(['in-sync']);
  const draft = await deleteDraftUnfetched();
  await ada.run(5 * MINUTE);
  expect(await failing()).toEqual([[draft, 'not found, nor in its thread']]);
  expect(await kinds()).toEqual([]);
  ada.lanes.dispatch({ kind: 'retry-requested' });
  await ada.run(5 * MINUTE);
  expect(await failing()).toEqual([[draft, 'not found, nor in its thread']]);
  await ada.run(60 * MINUTE);
  expect(await ada.counts()).toMatchObject({ stored: 20, failed: 0, gone: 1 });
  expect(await kinds()).toEqual([]);
});

it('A mailbox reports a message that seemed deleted as failed once its thread shows it, but no get', async () => {
  const [culprit = ''] = ada.receive(20);
  await ada.settle();
  expect(await kinds()).toEqual(['in-sync']);
  const missing = (method: 'messages.get' | 'threads.get') =>
    ada.simulator.faults.add({ match: { messageId: culprit, method }, effect: { kind: 'status', status: 404 } });
  missing('messages.get');
  const ofThread = missing('threads.get');
  ada.lanes.configure({ ...ada.lanes.state.settings, format: 'raw' });
  await ada.run(5 * MINUTE);
  expect(await failing()).toEqual([[culprit, 'not found, nor in its thread']]);
  expect((await kinds()).filter((kind) => kind === 'message-failed')).toEqual([]);
  ofThread.remove();
  await ada.run(2 * DAY);
  const failures = (await accepted()).filter(({ kind }) => kind === 'message-failed');
  expect(failures).toMatchObject([{ messageId: culprit, reason: expect.stringContaining('its thread shows it') }]);
});
