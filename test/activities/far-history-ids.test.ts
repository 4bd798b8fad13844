import { afterEach, expect, it } from 'vitest';

import { compareHistoryIds, historyId } from '../../src/model/ids.ts';
import { distorting } from '../fixtures/gmail/distorted-gmail.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The largest number of 63 bits: well-formed, and never reached by any mailbox. */
const FAR = '9223372036854775807';

let ada: RunningMailbox;
afterEach(() => ada.close());

const answersFar = (method: 'getProfile' | 'history.list', extent: { times?: number; until?: number } = { times: 1 }) =>
  ada.simulator.faults.add({
    match: { method },
    effect: { kind: 'replace', fields: { historyId: FAR } },
    ...extent,
  });

/** The mark and the messages still follow what changes after the odd answer. */
async function expectFollowed(ids: readonly string[]): Promise<void> {
  for (const id of ids) ada.gmail.modify([id], { add: ['STARRED'], remove: ['INBOX'] });
  ada.gmail.deleteAll(ids.slice(0, 1));
  ada.receive(1);
  await ada.run(2 * HOUR);
  const mark = (await ada.stores.store.getMailbox(ADA))?.historyId ?? historyId('0');
  expect(compareHistoryIds(mark, historyId(ada.gmail.historyId))).toBe(0);
  await expectExact(ada);
}

it.each([1, 5])('A mark is not moved to an impossible history id by %i answers of history.list', async (times) => {
  ada = await RunningMailbox.open({ format: 'raw' });
  const ids = ada.receive(5);
  await ada.settle();
  const fault = answersFar('history.list', { times });
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
  expect(fault.strikes).toBe(times);
  await expectFollowed(ids);
});

it.each([
  ['once', { times: 1 }],
  ['for ten minutes', { until: Date.UTC(2026, 0, 10) + 12 * MINUTE }],
] as const)('A recovery pins no impossible history id that getProfile answers %s', async (_, extent) => {
  ada = await RunningMailbox.open({ format: 'raw' });
  const ids = ada.receive(5);
  await ada.settle();
  const fault = answersFar('getProfile', extent);
  await ada.recover();
  expect(fault.strikes).toBeGreaterThan(0);
  await expectFollowed(ids);
});

it('The oldest message within a limit is read again when its history id is impossible', async () => {
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 3 } });
  const ids = ada.receive(5);
  const fault = ada.simulator.faults.add({
    match: { method: 'messages.get', messageId: ids[2] ?? '' },
    effect: { kind: 'replace', fields: { historyId: FAR } },
    times: 1,
  });
  await ada.settle();
  expect(fault.strikes).toBe(1);
  ada.gmail.modify(ids.slice(2), { add: ['STARRED'], remove: ['INBOX'] });
  await ada.run(2 * HOUR);
  const { held, truth } = await ada.comparison();
  expect([...held.keys()].toSorted()).toEqual(ids.slice(2).toSorted());
  for (const id of ids.slice(2)) expect(held.get(id)).toEqual(truth.get(id));
});

it.each(['by itself', 'in its thread'])(
  'A message with an impossible history id in one answer (%s) is read again, and its later changes are followed',
  async (how) => {
    ada = await RunningMailbox.open({ format: 'full' });
    const [first = ''] = ada.receive(1);
    const ids = [first, ...ada.receive(3, how === 'by itself' ? {} : { threadId: first })];
    let strikes = 0;
    ada.transport = distorting(ada.simulator.transport, {
      message: (message) => (message['id'] === ids[1] && strikes++ === 0 ? { ...message, historyId: FAR } : message),
    });
    await ada.settle();
    expect(strikes).toBe(2);
    await expectFollowed(ids);
  },
);

it.each(['refuses', 'answers with nothing'])(
  'A first full sync that pinned an impossible history id recovers by itself: Gmail %s when asked from there',
  async (how) => {
    ada = await RunningMailbox.open({ format: 'raw' });
    const ids = ada.receive(5);
    if (how !== 'refuses')
      ada.transport = async (request) =>
        request.url.includes(`startHistoryId=${FAR}`)
          ? { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ historyId: ada.gmail.historyId })) }
          : await ada.simulator.transport(request);
    const fault = answersFar('getProfile');
    await ada.settle();
    expect(fault.strikes).toBe(1);
    await expectFollowed(ids);
  },
);
