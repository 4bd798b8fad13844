import { afterEach, describe, expect, it } from 'vitest';

import { distorting, type Json } from '../fixtures/gmail/distorted-gmail.ts';
import { ADA, RunningMailbox } from './running-mailbox.ts';

const HOUR = 60 * 60_000;

let ada: RunningMailbox;
afterEach(() => ada.close());

const failures = () => ada.stores.store.listFailed(ADA, 10);
const stored = async () => [...(await ada.comparison()).held.keys()].toSorted();

/** Every answer about one of the messages is changed; the others come as they are. */
async function received(
  count: number,
  change: (message: Json) => unknown,
): Promise<{ ids: string[]; culprit: string }> {
  ada = await RunningMailbox.open({ format: 'full' });
  const ids = ada.receive(count);
  const culprit = ids[count >> 1] ?? '';
  ada.transport = distorting(ada.simulator.transport, {
    message: (message) => (message['id'] === culprit ? change(message) : message),
  });
  await ada.settle();
  return { ids, culprit };
}

describe('a message with a value that Gmail would never send', () => {
  it.each<[string, Json]>([
    ['a size of 1.5', { sizeEstimate: 1.5 }],
    ['a size of 1e30', { sizeEstimate: 1e30 }],
    ['a size of 2^53 + 2', { sizeEstimate: 2 ** 53 + 2 }],
    ['a size below zero', { sizeEstimate: -5 }],
    ['a date out of range', { internalDate: '99999999999999999999' }],
    ['a date that is text', { internalDate: 'yesterday' }],
    ['labels that cannot be label ids', { labelIds: ['INBOX', 'a\0b', 7, ''] }],
    ['a snippet with a NUL', { snippet: 'a\0b' }],
  ])('is stored with what can be believed, and so are its neighbours: %s', async (_, fields) => {
    const { ids } = await received(30, (message) => ({ ...message, ...fields }));
    expect(await stored()).toEqual(ids.toSorted());
    expect(await failures()).toEqual([]);
  });

  it.each<[string, Json, string]>([
    ['a historyId beyond 2^63', { historyId: '18446744073709551615' }, 'historyId is no number of 63 bits'],
    ['no historyId', { historyId: null }, 'historyId is no number of 63 bits'],
    ['the id of another message', { id: '1234567890abcdef' }, 'the answer is about another message'],
    ['an id with a NUL', { id: 'a\0b' }, 'id is no id'],
    ['a thread id of 100,000 characters', { threadId: 'x'.repeat(100_000) }, 'threadId is no id'],
    ['labels that are not a list', { labelIds: 'INBOX' }, 'labelIds is no list'],
  ])('fails by itself, says why, and its neighbours are stored: %s', async (_, fields, reason) => {
    const { ids, culprit } = await received(30, (message) => ({ ...message, ...fields }));
    expect(await stored()).toEqual(ids.filter((id) => id !== culprit).toSorted());
    expect(await failures()).toMatchObject([{ id: culprit, error: reason }]);
  });

  it('in a thread does not keep the other messages of the thread from being stored', async () => {
    ada = await RunningMailbox.open({ format: 'full' });
    const [first = ''] = ada.receive(1);
    const ids = [first, ...ada.receive(5, { threadId: first })];
    ada.transport = distorting(ada.simulator.transport, {
      message: (message) => (message['id'] === ids[2] ? { ...message, historyId: '-1' } : message),
    });
    await ada.settle();
    expect(await stored()).toEqual(ids.filter((id) => id !== ids[2]).toSorted());
    expect(await failures()).toMatchObject([{ id: ids[2], error: 'historyId is no number of 63 bits' }]);
    expect(ada.calls()['threads.get'], 'one for all').toBe(1);
  });
});

it('An odd value is believed when a second answer repeats it, which costs one more get', async () => {
  ada = await RunningMailbox.open({ format: 'full' });
  const ids = ada.receive(3);
  const [once = '', always = ''] = ids;
  let seen = 0;
  ada.transport = distorting(ada.simulator.transport, {
    message: (message) =>
      message['id'] === always || (message['id'] === once && seen++ === 0)
        ? { ...message, internalDate: 'yesterday' }
        : message,
  });
  await ada.settle();
  const dates = new Map<string, number | null>();
  for await (const { id, internalDate } of ada.stores.store.streamMessages(ADA)) dates.set(id, internalDate);
  expect(dates.get(once)).toBe(ada.gmail.existing(once).internalDate);
  expect(dates.get(always)).toBeNull();
  expect(ada.gets()).toBe(5);
});

/** A message older than the scope is stored, since its answers have no readable date. */
async function storedWithoutDate(): Promise<{ old: string; mend: () => void }> {
  ada = await RunningMailbox.open({ format: 'full', pollInterval: 6 * HOUR, scope: { after: Date.UTC(2026, 0, 9) } });
  const [old = ''] = ada.receive(1, { from: Date.UTC(2026, 0, 1) });
  let isOdd = true;
  ada.transport = distorting(ada.simulator.transport, {
    message: (message) => (isOdd ? { ...message, internalDate: 'yesterday' } : message),
  });
  await ada.settle();
  ada.gmail.modify([old], { add: ['STARRED'], remove: [] });
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
  return { old, mend: () => (isOdd = false) };
}

it('An odd value that two answers gave is asked for again, ever more rarely', async () => {
  const { old, mend } = await storedWithoutDate();
  expect(await stored()).toEqual([old]);
  const gets = ada.gets();
  await ada.run(48 * HOUR);
  expect(ada.gets() - gets, 'after ten minutes, twice, and six hours').toBe(3);
  mend();
  await ada.run(36 * HOUR);
  expect(await stored()).toEqual([]);
});

it('An odd value is asked for again although a recovery compared the labels of its message meanwhile', async () => {
  const { old, mend } = await storedWithoutDate();
  ada.lanes.dispatch({ kind: 'resync-requested' });
  await ada.settle();
  expect(await stored()).toEqual([old]);
  mend();
  await ada.run(HOUR);
  expect(await stored()).toEqual([]);
});

it('A message that failed in one format is fetched at once when the settings ask for another', async () => {
  ada = await RunningMailbox.open({ format: 'full' });
  const ids = ada.receive(3);
  const [culprit = ''] = ids;
  ada.transport = distorting(ada.simulator.transport, {
    message: (message, { format }) =>
      message['id'] === culprit && format === 'full' ? { ...message, historyId: '-1' } : message,
  });
  await ada.settle();
  await ada.run(34 * HOUR);
  const [failed] = await failures();
  expect(failed?.id).toBe(culprit);
  expect((failed?.nextAttemptAt ?? 0) - ada.clock.now()).toBeGreaterThan(10 * HOUR);
  const before = ada.clock.now();
  await ada.configure({ format: 'raw' });
  expect(ada.clock.now() - before).toBeLessThan(HOUR);
  expect(await stored()).toEqual(ids.toSorted());
  expect(await failures()).toEqual([]);
});

it('A message whose answers cannot be read does not hold up a recovery, and is not taken for deleted', async () => {
  ada = await RunningMailbox.open({ format: 'minimal' });
  const ids = ada.receive(20);
  await ada.settle();
  const [culprit = ''] = ids;
  ada.gmail.omissions.add({ messageId: culprit, from: 'all' });
  ada.transport = distorting(ada.simulator.transport, {
    message: (message) => (message['id'] === culprit ? { ...message, historyId: '-1' } : message),
  });
  ada.gmail.expireHistory();
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
  expect(await stored()).toEqual(ids.toSorted());
});
