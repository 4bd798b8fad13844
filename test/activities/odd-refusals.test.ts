import { afterEach, expect, it } from 'vitest';

import { phaseOf } from '../../src/workflows/mailbox-state.ts';
import { RunningMailbox, expectExact } from './running-mailbox.ts';

let ada: RunningMailbox;
afterEach(() => ada.close());

it('A page token of history that Gmail no longer accepts restarts the read, and blocks nothing', async () => {
  ada = await RunningMailbox.open({ format: 'minimal' });
  ada.gmail.paging.historyPage = 5;
  const ids = ada.receive(60);
  await ada.settle();
  for (const id of ids) ada.gmail.modify([id], { add: ['STARRED'] });
  ada.simulator.latencyMs = 100;
  const read = (): number => ada.calls()['history.list'] ?? 0;
  const before = read();
  ada.lanes.dispatch({ kind: 'poked' });
  expect(await ada.clock.runUntil(() => read() >= before + 2, 60_000)).toBe(true);
  ada.simulator.faults.add({
    match: { method: 'history.list' },
    effect: { kind: 'status', status: 400, reason: 'invalidArgument', message: 'Invalid pageToken' },
    times: 1,
  });
  await ada.settle();
  expect(ada.lanes.state.lastError).toBeNull();
  await expectExact(ada);
});

it('A label whose listing is refused keeps its messages', async () => {
  ada = await RunningMailbox.open({ format: 'minimal' });
  const ids = ada.receive(30);
  ada.gmail.modify(ids, { add: ['STARRED'] });
  await ada.settle();
  ada.gmail.modify(ids.slice(0, 1), { remove: ['UNREAD', 'INBOX'] });
  ada.gmail.expireHistory();
  ada.simulator.latencyMs = 100;
  const listed = (): number => ada.calls()['messages.list'] ?? 0;
  const before = listed();
  ada.lanes.dispatch({ kind: 'poked' });
  expect(await ada.clock.runUntil(() => listed() >= before + 1, 120_000)).toBe(true);
  const fault = ada.simulator.faults.add({
    match: { method: 'messages.list' },
    effect: { kind: 'status', status: 400, reason: 'invalidArgument', message: 'Invalid label' },
  });
  expect(await ada.clock.runUntil(() => phaseOf(ada.lanes.state) === 'failed', 120_000)).toBe(true);
  fault.remove();
  ada.lanes.dispatch({ kind: 'resumed' });
  await ada.settle();
  await expectExact(ada);
});
