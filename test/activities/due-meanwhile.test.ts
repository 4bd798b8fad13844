import { afterEach, beforeEach, expect, it } from 'vitest';

import { partialSync } from '../../src/activities/partial-sync.ts';
import { messageId, threadId } from '../../src/model/ids.ts';
import { transition } from '../../src/workflows/transition.ts';
import { ADA, RUN, RunningMailbox } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let ada: RunningMailbox;
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'full', pollInterval: HOUR });
});
afterEach(() => ada.close());

/** Has a message's labels read by the next sync. */
const refreshNext = (id: string) =>
  ada.stores.store.putOffRefresh({ mailbox: ADA, messageIds: [messageId(id)], now: ada.clock.now() - MINUTE });

/** Syncs, and answers how many ms later the workflow syncs again. */
async function syncedAgainIn(): Promise<number> {
  const { historyId } = ada.lanes.state;
  const synced = await ada.clock.during(partialSync(ada.deps, { mailbox: ADA, historyId }, RUN));
  expect(synced).toMatchObject({ changed: false, more: false });
  const now = ada.clock.now();
  const { nextPartialSyncAt } = transition(ada.lanes.state, { kind: 'partial-synced', ...synced }, now);
  return (nextPartialSyncAt ?? Infinity) - now;
}

it('A message that comes due while labels are read is fetched at once, and does not wait for a poll', async () => {
  const [read = ''] = ada.receive(1);
  await ada.settle();
  const { store } = ada.stores;
  const later = { id: messageId('1234567890abcdef'), threadId: threadId('1234567890abcdef') };
  const now = ada.clock.now();
  await store.addListedLate({ mailbox: ADA, generation: 1, messages: [later], since: null, now });
  const failedFetch = { id: later.id, asOf: null, state: 'pending', attempts: 1, error: 'not found' } as const;
  await store.saveFailedFetches({
    mailbox: ADA,
    failedFetches: [{ ...failedFetch, nextAttemptAt: now + 3_000 }],
    now,
  });
  await refreshNext(read);
  ada.simulator.faults.add({ match: { method: 'messages.get' }, effect: { kind: 'slow', ms: 5_000 } });
  expect(await syncedAgainIn()).toBeLessThan(1_000);
});

it('A message that the reading of its labels brings into scope is fetched at once, too', async () => {
  await ada.settle();
  const [spam = ''] = ada.receive(1, { labelIds: ['SPAM'] });
  await ada.run(HOUR + MINUTE);
  expect(await ada.counts()).toMatchObject({ excluded: 1, pending: 0 });
  ada.gmail.lag.historyMs = HOUR;
  ada.gmail.modify([spam], { add: ['INBOX'], remove: ['SPAM'] });
  await refreshNext(spam);
  expect(await syncedAgainIn()).toBeLessThan(1_000);
});

it('A sync that leaves nothing due is followed by a poll', async () => {
  await ada.settle();
  expect(await syncedAgainIn()).toBeGreaterThan(MINUTE);
});
