import { afterEach, expect, it } from 'vitest';

import { RunningMailbox } from './running-mailbox.ts';

const MINUTE = 60_000;

let ada: RunningMailbox;
afterEach(() => ada.close());

it('A message that is deleted while a late listing goes on gives its place within the limit to none', async () => {
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
