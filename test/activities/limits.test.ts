import { afterEach, expect, it } from 'vitest';

import { fullSync } from '../../src/activities/full-sync.ts';
import { historyId, messageId } from '../../src/model/ids.ts';
import { ADA, RUN, RunningMailbox } from './running-mailbox.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const UNAVAILABLE = { kind: 'status', status: 503 } as const;
const FIRST_DATE = Date.UTC(2026, 0, 9);

let ada: RunningMailbox;
afterEach(() => ada.close());

/** Inserts a message for each name, the oldest first. `rank` says how new it is. */
function insert(
  ranks: Readonly<Record<string, number>>,
  labelIds: readonly string[] = ['INBOX'],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ranks).map(([name, rank]) => {
      const raw = `Subject: ${name}\r\n\r\n${name}`;
      return [name, ada.gmail.insert({ raw, labelIds: [...labelIds], internalDate: FIRST_DATE + rank * MINUTE }).id];
    }),
  );
}

async function held(names: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { held: rows } = await ada.comparison();
  return Object.keys(names)
    .filter((name) => rows.has(names[name] ?? ''))
    .toSorted();
}

async function recover(): Promise<void> {
  ada.gmail.modify(
    [...ada.gmail.truth()].slice(0, 1).map(({ id }) => id),
    { add: ['STARRED'] },
  );
  ada.gmail.expireHistory();
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.run(5 * MINUTE);
}

it('A relisting that was put off counts no place for what entered the scope meanwhile', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  const names = insert({ d: 1, c: 2, b: 3, a: 7 });
  Object.assign(names, insert({ x: 5, y: 6 }, ['INBOX', 'TRASH']));
  await ada.clock.runUntil(() => false, MINUTE);
  ada.gmail.lag.listMs = 20 * SECOND;
  Object.assign(names, insert({ m: 4 }));
  await ada.run(8 * SECOND);
  for (const name of ['x', 'y']) ada.gmail.untrash(names[name] ?? '');
  const until = ada.clock.now() + 3 * MINUTE;
  ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: UNAVAILABLE, until });
  await ada.run(HOUR);
  expect(await held(names)).toEqual(['a', 'b', 'c', 'm', 'x', 'y']);
});

it('A scope that is listed again before anything was read keeps what the first listing let in', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  ada.gmail.paging.listPage = 2;
  const names = insert({ d: 1, c: 2, b: 3, a: 4 });
  const until = ada.clock.now() + 5 * MINUTE;
  const fail = (name: string) =>
    ada.simulator.faults.add({ match: { messageId: names[name] ?? '' }, effect: UNAVAILABLE, until });
  for (const name of ['a', 'b', 'c']) fail(name);
  await ada.run(MINUTE);
  Object.assign(names, insert({ e: 8, f: 9 }));
  for (const name of ['e', 'f']) fail(name);
  await ada.run(MINUTE);
  await ada.configure({ format: 'full' });
  await ada.run(2 * HOUR);
  expect(await held(names)).toEqual(['a', 'b', 'c', 'e', 'f']);
});

it('A relisting lets in no older mail for a message that was deleted before it was read', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 4 } });
  const names = insert({ f: 0, e: 1, d: 2, c: 3, b: 4, a: 5 });
  const refuse = (name: string, status: number, seconds: number) => {
    const until = ada.clock.now() + seconds * SECOND;
    ada.simulator.faults.add({ match: { messageId: names[name] ?? '' }, effect: { kind: 'status', status }, until });
  };
  // The first listing learns the date of neither the last message within the limit nor the next one.
  for (const name of ['d', 'e']) refuse(name, 503, 15);
  // While the backfill waits for one of them, the limit's date stays unknown.
  for (const name of ['b', 'c']) refuse(name, 404, 50);
  await ada.run(16 * SECOND);
  ada.gmail.delete(names['b'] ?? '');
  Object.assign(names, insert({ g: 8 }));
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'c', 'd', 'g']);
});

it('A scope that holds exactly its limit lets in no older mail that comes back from the trash', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  const names = insert({ c: 2, b: 3, a: 4 });
  Object.assign(names, insert({ x: 1 }, ['INBOX', 'TRASH']));
  await ada.run(10 * MINUTE);
  ada.gmail.untrash(names['x'] ?? '');
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'b', 'c']);
});

it('A recovery that lists exactly the limit lets in no older mail that was in the trash', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  const names = insert({ x: 1, c: 2, b: 3, a: 4 });
  await ada.run(10 * MINUTE);
  ada.gmail.trash(names['x'] ?? '');
  await ada.run(MINUTE);
  await recover();
  ada.gmail.untrash(names['x'] ?? '');
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'b', 'c']);
});

it('A recovery that goes on as a full sync, as after a lost workflow, lets in all that has arrived', async () => {
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 3 } });
  const names = insert({ d: 1, c: 2, b: 3, a: 4 });
  await ada.run(10 * MINUTE);
  for (const name of ['a', 'b', 'c']) ada.gmail.delete(names[name] ?? '');
  const arrived = ada.receive(6, { from: ada.clock.now() });
  ada.lanes.end();
  const { store } = ada.stores;
  const { settings } = ada.lanes.state;
  const request = { mailbox: ADA, settings, generation: 2 };
  await store.beginFullSync({ ...request, startHistoryId: historyId(ada.gmail.historyId), now: ada.clock.now() });
  await ada.clock.during(fullSync(ada.deps, request, RUN));
  const known = [...Object.values(names), ...arrived].map((id) => messageId(id));
  const admissions = await store.admissionsOf({ mailbox: ADA, messageIds: known });
  expect(known.filter((id) => admissions.get(id)?.by === 'listing').toSorted()).toEqual(arrived.toSorted());
});

it('A relisting lets in what the index showed late, below arrivals that history has yet to report', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  const names = insert({ e: 0, d: 1, c: 2, b: 4, a: 5 });
  await ada.clock.runUntil(() => false, MINUTE);
  ada.gmail.lag.listMs = 20 * SECOND;
  Object.assign(names, insert({ late: 3 }));
  await ada.run(5 * SECOND);
  ada.gmail.delete(names['c'] ?? '');
  await ada.run(23 * SECOND);
  ada.gmail.lag.listMs = 0;
  ada.gmail.lag.historyMs = 20 * SECOND;
  Object.assign(names, insert({ g: 8, f: 9 }));
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'b', 'f', 'g', 'late']);
});

it('A relisting lets in no older mail for a message that has left, which history has yet to report', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  const names = insert({ e: 0, d: 1, c: 2, b: 3, a: 4 });
  await ada.run(28 * SECOND);
  ada.gmail.lag.historyMs = 20 * SECOND;
  ada.gmail.delete(names['b'] ?? '');
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'c']);
});

it('A scope with another limit keeps its date, although its oldest message leaves before it is read', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 2 } });
  const names = insert({ f: 0, e: 1, d: 2, c: 4, b: 5, a: 6 });
  Object.assign(names, insert({ x: 3 }, ['INBOX', 'TRASH']));
  await ada.run(10 * MINUTE);
  const until = ada.clock.now() + 2 * MINUTE;
  ada.simulator.faults.add({ match: { messageId: names['d'] ?? '' }, effect: UNAVAILABLE, until });
  await ada.configure({ scope: { ...ada.lanes.state.settings.scope, limit: 4 } });
  await ada.run(MINUTE);
  ada.gmail.delete(names['d'] ?? '');
  await ada.run(10 * MINUTE);
  ada.gmail.untrash(names['x'] ?? '');
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'b', 'c', 'x']);
});

it('A first listing is made again when all around its end is deleted before a date is read', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 2 } });
  ada.gmail.paging.listPage = 1;
  const names = insert({ f: 0, e: 1, d: 2, c: 3, b: 4, a: 5 });
  const until = ada.clock.now() + 2 * MINUTE;
  ada.simulator.faults.add({ match: { method: 'messages.get' }, effect: UNAVAILABLE, until });
  await ada.run(MINUTE);
  for (const name of ['a', 'b', 'c']) ada.gmail.delete(names[name] ?? '');
  Object.assign(names, insert({ m: 6 }));
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['d', 'm']);
});

it('A first listing is made again when its end is deleted before its date is read', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 2 } });
  const names = insert({ d: 1, c: 2, b: 5, a: 6 });
  Object.assign(names, insert({ x: 3, y: 4 }, ['INBOX', 'TRASH']));
  const until = ada.clock.now() + 2 * MINUTE;
  ada.simulator.faults.add({ match: { method: 'messages.get' }, effect: UNAVAILABLE, until });
  await ada.run(MINUTE);
  ada.gmail.delete(names['b'] ?? '');
  for (const name of ['x', 'y']) ada.gmail.untrash(names[name] ?? '');
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'y']);
});

it('A recovery before the relisting keeps to the limit, although the first listing showed less', async () => {
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 3 } });
  const names = insert({ a: 9 });
  await ada.clock.runUntil(() => false, MINUTE);
  ada.gmail.lag.listMs = 20 * SECOND;
  Object.assign(names, insert({ f: 1, e: 2, d: 3, c: 4, b: 5 }));
  await ada.run(5 * SECOND);
  expect(await held(names)).toEqual(['a']);
  await recover();
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'b', 'c']);
});

it('A resync leaves out nothing that has arrived in a scope that left nothing out', async () => {
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 3 } });
  const names = insert({ a: 9 });
  await ada.run(10 * MINUTE);
  ada.lanes.end();
  const { store } = ada.stores;
  const { settings, historyId: mark } = ada.lanes.state;
  if (mark === null) throw new Error('the first listing has ended');
  Object.assign(names, insert({ f: 1, e: 2, d: 3, c: 4, b: 5 }));
  const request = { mailbox: ADA, settings, generation: 2 };
  await store.beginFullSync({ ...request, startHistoryId: mark, now: ada.clock.now() });
  await ada.clock.during(fullSync(ada.deps, request, RUN));
  const admissions = await store.admissionsOf({ mailbox: ADA, messageIds: Object.values(names).map(messageId) });
  const left = Object.keys(names).filter((name) => admissions.get(messageId(names[name] ?? ''))?.by !== 'listing');
  expect(left).toEqual([]);
});

it('The only message within a limit, deleted while Gmail answers no get, gives its place to none', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 1 } });
  const names = insert({ b: 1, a: 2 });
  const until = ada.clock.now() + 10 * MINUTE;
  ada.simulator.faults.add({ match: { method: 'messages.get' }, effect: UNAVAILABLE, until });
  await ada.run(20 * SECOND);
  ada.gmail.delete(names['a'] ?? '');
  await ada.run(2 * HOUR);
  expect(await held(names)).toEqual([]);
});

it('A recovery lets in no older mail for a message that has left', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  const names = insert({ e: 0, d: 1, c: 2, b: 3, a: 4 });
  await ada.run(10 * MINUTE);
  ada.gmail.delete(names['c'] ?? '');
  await ada.run(MINUTE);
  await recover();
  expect(await held(names)).toEqual(['a', 'b']);
});

it('A relisting that shows exactly the limit lets in no older mail that comes back from the trash', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  const names = insert({ b: 3, a: 4 });
  Object.assign(names, insert({ x: 1 }, ['INBOX', 'TRASH']));
  await ada.clock.runUntil(() => false, MINUTE);
  ada.gmail.lag.listMs = 20 * SECOND;
  Object.assign(names, insert({ c: 2 }));
  await ada.run(5 * SECOND);
  expect(await held(names)).toEqual(['a', 'b']);
  await ada.run(10 * MINUTE);
  ada.gmail.untrash(names['x'] ?? '');
  await ada.run(10 * MINUTE);
  expect(await held(names)).toEqual(['a', 'b', 'c']);
});

it('A last message that always breaks holds up no other where a scope holds exactly its limit', async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 20 * SECOND, scope: { limit: 3 } });
  const names = insert({ c: 2, b: 3, a: 4 });
  ada.simulator.faults.add({ match: { messageId: names['c'] ?? '' }, effect: UNAVAILABLE });
  await ada.run(2 * MINUTE);
  expect(await held(names)).toEqual(['a', 'b']);
});

it('A listing whose end the store refuses, because another pass has begun, goes on in that pass', async () => {
  ada = await RunningMailbox.open({ format: 'raw', scope: { includeSpamTrash: true } });
  const ids = ada.receive(5);
  const { store } = ada.stores;
  let isNext = true;
  ada.transport = async (request) => {
    const answer = await ada.simulator.transport(request);
    const row = await store.getMailbox(ADA);
    const stored = row?.fullSync;
    if (!isNext || stored?.step !== 'confirming') return answer;
    isNext = false;
    const { generation, startHistoryId, startedAt, reconciling } = stored;
    const start = { generation, startHistoryId, startedAt, reconciling, repeats: 1, passHistoryId: startHistoryId };
    const progress = { ...start, step: 'listing', pass: 0, listing: 0, pageToken: null, position: 0 } as const;
    await store.saveProgress({ mailbox: ADA, generation, progress });
    return answer;
  };
  await ada.run(10 * MINUTE);
  expect(isNext).toBe(false);
  expect((await store.getMailbox(ADA))?.fullSync).toMatchObject({ step: 'done', generation: 1 });
  expect((await ada.comparison()).held.size).toBe(ids.length);
});
