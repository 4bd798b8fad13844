import { afterEach, expect, it } from 'vitest';

import { RunningMailbox } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const UNAVAILABLE = { kind: 'status', status: 503 } as const;

let ada: RunningMailbox;
afterEach(() => ada.close());

it('A message that is deleted while a relisting goes on gives its place within the limit to none', async () => {
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 5 } });
  ada.gmail.paging.listPage = 2;
  const old = ada.receive(30);
  await ada.run(25_000);
  ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'slow', ms: 1_000 } });
  const listings = () => ada.calls()['messages.list'] ?? 0;
  const before = listings();
  expect(await ada.clock.runUntil(() => listings() > before, MINUTE)).toBe(true);
  const [deleted = ''] = old.slice(-4);
  ada.gmail.delete(deleted);
  await ada.run(15 * MINUTE);
  const { held } = await ada.comparison();
  expect([...held.keys()].toSorted()).toEqual(
    old
      .slice(-5)
      .filter((id) => id !== deleted)
      .toSorted(),
  );
});

it.each([503, 410])('The last message, deleted while each get answers %i, gives its place to none', async (status) => {
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 5 } });
  const old = ada.receive(30);
  const until = ada.clock.now() + 10 * MINUTE;
  const fault = ada.simulator.faults.add({
    match: { method: 'messages.get' },
    effect: { kind: 'status', status },
    until,
  });
  await ada.run(20_000);
  expect(fault.strikes).toBeGreaterThan(0);
  ada.gmail.delete(old.at(-5) ?? '');
  await ada.run(2 * HOUR);
  const { held } = await ada.comparison();
  expect([...held.keys()].toSorted()).toEqual(old.slice(-4).toSorted());
});

it.each([1, 5])('Two messages at a limit of %i that always break hold up no other message', async (limit) => {
  ada = await RunningMailbox.open({ format: 'raw', scope: { limit } });
  const old = ada.receive(30).toReversed();
  for (const messageId of old.slice(limit - 1, limit + 1))
    ada.simulator.faults.add({ match: { messageId }, effect: UNAVAILABLE });
  await ada.run(MINUTE);
  const arrived = ada.receive(1, { from: ada.clock.now() });
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.run(2 * MINUTE);
  const { held } = await ada.comparison();
  expect([...held.keys()].toSorted()).toEqual([...old.slice(0, limit - 1), ...arrived].toSorted());
});
