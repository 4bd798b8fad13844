import { afterEach, expect, it } from 'vitest';

import { RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
afterEach(() => ada.close());

/** A mailbox of 100 messages whose history expired after some of every kind of change. */
async function recovered(recovery: 'listings' | 'minimal'): Promise<{ gets: number; units: number }> {
  ada = await RunningMailbox.open({ format: 'raw', recovery });
  const ids = ada.receive(100);
  await ada.settle();
  const before = { calls: ada.calls(), units: ada.units() };
  ada.gmail.modify(ids.slice(0, 10), { add: ['STARRED'], remove: ['INBOX'] });
  ada.gmail.deleteAll(ids.slice(10, 20));
  ada.gmail.trash(ids[20] ?? '');
  ada.receive(5);
  ada.gmail.expireHistory();
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
  const { held, truth } = await ada.comparison();
  expect(held).toEqual(truth);
  expect(ada.lanes.state.counters.recoveries).toBe(1);
  return { gets: ada.gets(before.calls), units: ada.units() - before.units };
}

it('After expired history labels are corrected by listings, and only new messages are fetched', async () => {
  const { gets } = await recovered('listings');
  expect(gets).toBe(5);
});

it('With the recovery set to minimal every message that is still listed is read again', async () => {
  const { gets, units } = await recovered('minimal');
  expect(gets).toBe(89 + 5);
  expect(units).toBeGreaterThan(94 * 20);
});

it('A message whose labels cannot be read holds up no recovery, and is read later', async () => {
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
  const { held, truth } = await ada.comparison();
  expect(held).toEqual(truth);
});
