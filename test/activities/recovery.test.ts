import { afterEach, describe, expect, it } from 'vitest';

import { labelId } from '../../src/model/ids.ts';
import { RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const UNAVAILABLE = { kind: 'status', status: 503 } as const;
const NOT_FOUND = { kind: 'status', status: 404 } as const;

let ada: RunningMailbox;
afterEach(() => ada.close());

/** History expires, and the mailbox recovers. */
async function recover(): Promise<void> {
  ada.gmail.expireHistory();
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
}

/** A mailbox of 100 messages whose history expired after changes of every kind. */
async function recovered(recovery: 'listings' | 'minimal'): Promise<{ gets: number; units: number }> {
  ada = await RunningMailbox.open({ format: 'raw', recovery });
  const ids = ada.receive(100);
  await ada.settle();
  const before = { calls: ada.calls(), units: ada.units() };
  ada.gmail.modify(ids.slice(0, 10), { add: ['STARRED'], remove: ['INBOX'] });
  ada.gmail.deleteAll(ids.slice(10, 20));
  ada.gmail.trash(ids[20] ?? '');
  ada.receive(5);
  await recover();
  await expectExact(ada);
  expect(ada.lanes.state.counters.recoveries).toBe(1);
  return { gets: ada.gets(before.calls), units: ada.units() - before.units };
}

it('After history expired, listings correct labels, gets fetch only new messages and confirm each loss', async () => {
  const { gets } = await recovered('listings');
  const losses = 10 + 10 + 1;
  expect(gets).toBe(5 + losses);
});

it('With the recovery set to minimal, every message that is still listed is read again', async () => {
  const { gets, units } = await recovered('minimal');
  const absent = 10 + 1;
  expect(gets).toBe(89 + 5 + absent);
  expect(units).toBeGreaterThan(94 * 20);
});

it("Many messages that look deleted are confirmed by Gmail's count and a sample of gets", async () => {
  ada = await RunningMailbox.open({ format: 'minimal' });
  ada.gmail.paging.listPage = 50;
  const ids = ada.receive(400);
  await ada.settle();
  ada.gmail.deleteAll(ids.slice(0, 300));
  ada.gmail.expireHistory();
  const before = { calls: ada.calls(), units: ada.units() };
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
  expect((await ada.comparison()).held.size).toBe(100);
  expect(ada.gets(before.calls)).toBe(10);
  const pages = 2 + 2 + LISTED_LABELS - 1;
  const polls = 3 * ada.lanes.state.counters.partialSyncs;
  const labelCounts = LISTED_LABELS + 2;
  expect(ada.units() - before.units).toBeLessThanOrEqual(5 * pages + polls + 10 + labelCounts + 10 * 20);
});

/** In a mailbox without labels of its own, when spam and trash are out of scope. */
const LISTED_LABELS = 12;

it.each(['INBOX', 'scope'] as const)(
  'A message that a shifted page skips in the listing of %s loses nothing, however late history is',
  async (place) => {
    ada = await RunningMailbox.open({ format: 'raw' });
    Object.assign(ada.gmail.paging, { listPage: 10, tokens: 'offset' });
    const ids = ada.receive(100);
    await ada.settle();
    ada.gmail.modify(ids.slice(0, 1), { add: ['STARRED'] });
    ada.gmail.lag.historyMs = 9_000;
    ada.simulator.latencyMs = 200;
    ada.gmail.expireHistory();
    const listed = (): number => ada.calls()['messages.list'] ?? 0;
    const before = listed();
    ada.lanes.dispatch({ kind: 'poked' });
    // Ten pages of the scope's listing come first, then ten of the inbox'. The newest message vanishes, so what the
    // next page begins with moves up.
    await ada.clock.runUntil(() => listed() >= before + (place === 'scope' ? 5 : 15), 120_000);
    ada.gmail.deleteAll(ids.slice(-1));
    await ada.settle();
    await expectExact(ada);
    expect(ada.lanes.state.counters.recoveries).toBe(1);
  },
);

it('What changed just before history expired is recovered even if the index shows it 25 seconds late', async () => {
  ada = await RunningMailbox.open({ format: 'raw' });
  const ids = ada.receive(20);
  await ada.settle();
  Object.assign(ada.gmail.lag, { listMs: 25_000, historyMs: 25_000 });
  ada.gmail.modify(ids.slice(0, 5), { add: ['STARRED'], remove: ['INBOX'] });
  ada.gmail.deleteAll(ids.slice(5, 10));
  ada.receive(5);
  await recover();
  await expectExact(ada);
  expect(ada.lanes.state.counters.recoveries).toBe(1);
});

it('A message whose labels cannot be read does not hold up a recovery, and is read later', async () => {
  ada = await RunningMailbox.open({ format: 'raw', recovery: 'minimal' });
  const ids = ada.receive(60);
  await ada.settle();
  ada.gmail.modify(ids, { add: ['STARRED'] });
  ada.gmail.expireHistory();
  const fault = ada.simulator.faults.add({ match: { messageId: ids[5] ?? '' }, effect: { kind: 'reset' } });
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
  fault.remove();
  await ada.run(60 * 60_000);
  await expectExact(ada);
});

it('A missing message whose get always breaks does not hold up a recovery, and is not called gone', async () => {
  ada = await RunningMailbox.open({});
  const ids = ada.receive(10);
  await ada.settle();
  const [poison = ''] = ids.slice(5);
  ada.gmail.omissions.add({ messageId: poison, from: 'all' });
  const fault = ada.simulator.faults.add({ match: { messageId: poison }, effect: { kind: 'reset' } });
  ada.gmail.deleteAll(ids.slice(0, 2));
  ada.gmail.expireHistory();
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.run(60 * 60_000);
  expect(await heldIds()).toEqual(ids.slice(2).toSorted());
  fault.remove();
});

/** Limits a mailbox of 30 to 5. Before history expires, `arrive` messages arrive, and `leave` of the 5 are deleted. */
async function recoveredWithinLimit({ arrive, leave }: { arrive: number; leave: number }) {
  const limit = 5;
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit } });
  const old = ada.receive(30);
  await ada.settle();
  const before = ada.calls();
  const newest = old.slice(-limit);
  ada.gmail.deleteAll(newest.slice(0, leave));
  const arrived = ada.receive(arrive, { from: ada.clock.now() });
  await recover();
  const { held } = await ada.comparison();
  const expected = [...newest.slice(leave), ...arrived].toSorted();
  return { held: [...held.keys()].toSorted(), expected, gets: ada.gets(before) };
}

/** A mailbox limited to 5 messages, which are deleted after the sync. Then others arrive: answers their ids. */
async function arrivedWithinLimit(count: number, { older = 30 }: { older?: number } = {}): Promise<readonly string[]> {
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 5 } });
  const old = ada.receive(older);
  await ada.settle();
  ada.gmail.deleteAll(old.slice(-5));
  return ada.receive(count, { from: ada.clock.now() });
}

async function heldIds(): Promise<readonly string[]> {
  return [...(await ada.comparison()).held.keys()].toSorted();
}

/** A recovery that meets faults, and the hours after it. */
async function struck(
  ...faults: readonly Parameters<typeof ada.simulator.faults.add>[0][]
): Promise<{ readonly strikes: number }> {
  const met = faults.map((fault) => ada.simulator.faults.add(fault));
  await recover();
  await ada.run(3 * HOUR);
  return { strikes: Math.min(...met.map(({ strikes }) => strikes)) };
}

describe('a recovery within a limit', () => {
  it('takes in no older mail after a first listing whose gets at the limit failed', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 5 } });
    const old = ada.receive(30);
    const until = ada.clock.now() + 2 * MINUTE;
    const faults = old
      .slice(-6, -4)
      .map((messageId) => ada.simulator.faults.add({ match: { messageId }, effect: UNAVAILABLE, until }));
    await ada.settle();
    expect(faults.every(({ strikes }) => strikes > 0)).toBe(true);
    await ada.run(10 * MINUTE);
    const arrived = ada.receive(1, { from: ada.clock.now() });
    await recover();
    expect(await heldIds()).toEqual([...old.slice(-5), ...arrived].toSorted());
  });

  it('takes in no older mail that was in the trash while the gets of the last message failed', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 5 } });
    const old = ada.receive(30);
    const between = old.at(-6) ?? '';
    ada.gmail.trash(between);
    const match = { messageId: old.at(-5) ?? '' };
    const fault = ada.simulator.faults.add({ match, effect: UNAVAILABLE, until: ada.clock.now() + 2 * MINUTE });
    await ada.run(10 * MINUTE);
    expect(fault.strikes).toBeGreaterThan(0);
    ada.gmail.untrash(between);
    await recover();
    expect(await heldIds()).toEqual(old.slice(-5).toSorted());
  });

  const UNSURE = [
    ['answer 503 for five minutes', [{ effect: UNAVAILABLE }]],
    ['answer 404 once', [{ effect: NOT_FOUND, times: 1 }]],
    [
      'answer 503 twice, then 404',
      [
        { effect: UNAVAILABLE, times: 2 },
        { effect: NOT_FOUND, times: 1 },
      ],
    ],
  ] as const;
  it.each(UNSURE)('stores the oldest arrival although its gets %s when dates are asked for', async (_, faults) => {
    const arrived = await arrivedWithinLimit(12);
    const match = { messageId: arrived[0] ?? '' };
    const until = ada.clock.now() + 5 * MINUTE;
    const { strikes } = await struck(...faults.map((fault) => ({ match, until, ...fault })));
    expect(strikes).toBeGreaterThan(0);
    expect(await heldIds()).toEqual(arrived.toSorted());
  });

  it('stores all arrivals although Gmail leaves the dates of ten of them out for minutes', async () => {
    const arrived = await arrivedWithinLimit(40);
    const until = ada.clock.now() + 5 * MINUTE;
    const effect = { kind: 'replace', fields: {}, without: ['internalDate'] } as const;
    const dateless = arrived.slice(5, 15).map((messageId) => ({ match: { messageId }, effect, until }));
    const { strikes } = await struck(...dateless);
    expect(strikes).toBeGreaterThan(0);
    expect(await heldIds()).toEqual(arrived.toSorted());
  });

  it('stores what has arrived, and no older mail, although nothing was ever read before', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 2 } });
    const fault = ada.simulator.faults.add({ match: { method: 'messages.get' }, effect: UNAVAILABLE });
    const old = ada.receive(20);
    await ada.run(10 * MINUTE);
    ada.gmail.deleteAll(old.slice(-2));
    const arrived = ada.receive(5, { from: ada.clock.now() });
    ada.gmail.expireHistory();
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.run(90 * MINUTE);
    fault.remove();
    await ada.run(3 * HOUR);
    expect(await heldIds()).toEqual(arrived.toSorted());
  });

  it('takes in no older mail although one of its messages always breaks', async () => {
    const arrived = await arrivedWithinLimit(40, { older: 100 });
    // The search doubles its steps from the fifth message, so the 68th is the first older one that it asks for.
    const poison =
      ada.gmail
        .truth()
        .map(({ id }) => id)
        .toSorted()
        .at(-68) ?? '';
    const { strikes } = await struck({ match: { messageId: poison }, effect: { kind: 'reset' } });
    expect(strikes).toBeGreaterThan(0);
    expect(await heldIds()).toEqual(arrived.toSorted());
  });

  it.each([
    ['have a date', { kind: 'replace', fields: {}, without: ['internalDate'] }],
    ['can be read', { kind: 'reset' }],
  ] as const)('ends although a dozen older messages never %s', async (_, effect) => {
    const arrived = await arrivedWithinLimit(6);
    const older = ada.gmail
      .truth()
      .map(({ id }) => id)
      .filter((id) => !arrived.includes(id))
      .toSorted();
    const lasting = older.slice(-12).map((messageId) => ({ match: { messageId }, effect }));
    const before = ada.units();
    await struck(...lasting);
    const { held } = await ada.comparison();
    expect(arrived.filter((id) => !held.has(id))).toEqual([]);
    expect(ada.lanes.state.fullSync.kind).toBe('done');
    expect(ada.units() - before).toBeLessThan(40_000);
  });

  it('takes in no older mail after an outage of messages.get', async () => {
    const arrived = await arrivedWithinLimit(12, { older: 100 });
    const until = ada.clock.now() + 20 * MINUTE;
    const { strikes } = await struck({ match: { method: 'messages.get' }, effect: UNAVAILABLE, until });
    expect(strikes).toBeGreaterThan(0);
    expect(await heldIds()).toEqual(arrived.toSorted());
  });

  it('stores all mail that arrived, and learns from one get that what follows is older', async () => {
    const { held, expected, gets } = await recoveredWithinLimit({ arrive: 12, leave: 4 });
    expect(held).toEqual(expected);
    expect(gets).toBe(12 + 4 + 1);
  });

  it('stores what the index showed too late for the first listing', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 3 } });
    const ids = ada.receive(10);
    await ada.clock.runUntil(() => false, 60_000);
    ada.gmail.lag.listMs = 20_000;
    const [late] = ada.receive(1, { from: Date.UTC(2026, 0, 9, 0, 8, 30) });
    await ada.run(10_000);
    const { held: first } = await ada.comparison();
    ada.gmail.deleteAll(ids.slice(-3, -1));
    ada.receive(3, { from: ada.clock.now() });
    await recover();
    const { held } = await ada.comparison();
    expect([...first.keys()]).not.toContain(late);
    expect([...held.keys()]).toContain(late);
  });

  it.each([6, 7, 40])(
    'stores exactly the %s arrivals when all earlier messages are gone, after reading few dates',
    async (arrive) => {
      const { held, expected, gets } = await recoveredWithinLimit({ arrive, leave: 5 });
      expect(held).toEqual(expected);
      expect(gets).toBeLessThanOrEqual(arrive + 5 + 2 * Math.ceil(Math.log2(arrive)));
    },
  );

  it('takes in no older mail when fewer arrived than have left, as if history had not expired', async () => {
    const { held, expected } = await recoveredWithinLimit({ arrive: 2, leave: 5 });
    expect(held).toEqual(expected);
    expect(held).toHaveLength(2);
  });

  it('takes in no older mail of one label because that of another reaches further back', async () => {
    const labelIds = ['INBOX', 'STARRED'].map(labelId);
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 2, labelIds } });
    ada.receive(10, { labelIds: ['STARRED'], from: Date.UTC(2025, 0, 1) });
    const inbox = ada.receive(10, { from: Date.UTC(2026, 0, 8) });
    await ada.settle();
    ada.gmail.deleteAll(inbox.slice(-2, -1));
    const arrived = ada.receive(4, { from: ada.clock.now() });
    await recover();
    const { held } = await ada.comparison();
    expect([...inbox, ...arrived].filter((id) => held.has(id))).toEqual([...inbox.slice(-1), ...arrived]);
  });

  it('stores all that arrived under one label, although older mail of another label is known', async () => {
    const labelIds = ['INBOX', 'STARRED'].map(labelId);
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 2, labelIds } });
    ada.receive(10, { labelIds: ['STARRED'], from: Date.UTC(2025, 0, 1) });
    const inbox = ada.receive(10, { from: Date.UTC(2026, 0, 8) });
    await ada.settle();
    ada.gmail.deleteAll(inbox.slice(-2));
    const arrived = ada.receive(7, { from: ada.clock.now() });
    await recover();
    const { held } = await ada.comparison();
    expect(arrived.filter((id) => !held.has(id))).toEqual([]);
  });

  it('takes in no older mail when the first listing had come back empty', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 5 } });
    const old = ada.receive(30);
    ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'empty-page' }, times: 1 });
    await ada.settle();
    expect((await ada.counts()).stored).toBe(5);
    const arrived = ada.receive(1, { from: ada.clock.now() });
    await recover();
    expect(await heldIds()).toEqual([...old.slice(-5), ...arrived].toSorted());
  });
});
