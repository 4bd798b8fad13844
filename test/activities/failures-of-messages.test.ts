import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { refreshLabels } from '../../src/activities/refresh.ts';
import { historyId, labelId, messageId, threadId } from '../../src/model/ids.ts';
import { ADA, RUN, RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'full' });
});
afterEach(() => ada.close());

const failures = () => ada.stores.store.listFailed(ADA, 10);
const storedIds = async () => [...(await ada.comparison()).held.keys()].toSorted();

/** Breaks every connection whose answer would hold this message. */
function breakConnections(id: string): { remove(): void } {
  return ada.simulator.faults.add({ match: { messageId: id }, effect: { kind: 'reset' } });
}

describe('a message that cannot be fetched', () => {
  it('is listed with its reason and its next attempt, while its neighbours in the batch are stored', async () => {
    const ids = ada.receive(60);
    const culprit = ids[30] ?? '';
    ada.gmail.poison(culprit, 400);
    await ada.settle();
    expect(await storedIds()).toEqual(ids.filter((id) => id !== culprit).toSorted());
    expect(await failures()).toMatchObject([
      { id: culprit, error: expect.stringContaining('Gmail refuses this message') },
    ]);
  });

  it('is found in a batch whose answer always breaks, even beside another such message', async () => {
    const ids = ada.receive(40);
    const culprits = [ids[7] ?? '', ids[8] ?? ''];
    culprits.forEach(breakConnections);
    await ada.settle();
    expect(await storedIds()).toEqual(ids.filter((id) => !culprits.includes(id)).toSorted());
    expect((await failures()).map(({ id }) => id).toSorted()).toEqual(culprits.toSorted());
  });

  it('does not hold up the other messages of its thread', async () => {
    const [first = ''] = ada.receive(1);
    const ids = [first, ...ada.receive(5, { threadId: first })];
    ada.gmail.poison(ids[3] ?? '', 500);
    await ada.settle();
    expect(await storedIds()).toEqual(ids.filter((_, index) => index !== 3).toSorted());
    expect((await failures()).map(({ id }) => id)).toEqual([ids[3]]);
  });

  it('is tried again by itself after growing delays, and leaves the list once it is fetched', async () => {
    const [id = ''] = ada.receive(1);
    ada.gmail.poison(id, 400);
    await ada.settle();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      const [failed] = await failures();
      delays.push((failed?.nextAttemptAt ?? 0) - ada.clock.now());
      await ada.clock.runUntil(
        async () => ((await failures())[0]?.attempts ?? 0) > (failed?.attempts ?? 0),
        24 * 60 * 60_000,
      );
    }
    expect(
      delays.filter((delay, index) => delay <= (delays[index - 1] ?? 0)),
      delays.join(),
    ).toEqual([]);
    ada.gmail.poison(id, null);
    await ada.run(48 * 60 * 60_000);
    expect(await failures()).toEqual([]);
    expect(await storedIds()).toEqual([id]);
  });

  it('is tried at once when a person asks for it, once per request', async () => {
    const [id = ''] = ada.receive(1);
    ada.gmail.poison(id, 400);
    await ada.settle();
    const before = ada.gets();
    ada.lanes.dispatch({ kind: 'retry-requested' });
    await ada.run(2_000);
    expect(ada.gets() - before).toBe(1);
    expect((await failures()).map((failure) => failure.id)).toEqual([id]);
    ada.gmail.poison(id, null);
    ada.lanes.dispatch({ kind: 'retry-requested' });
    await ada.run(2_000);
    expect(await failures()).toEqual([]);
    expect(ada.gets() - before).toBe(2);
  });
});

describe('labels that must be read again', () => {
  it('do not wait behind messages that Gmail does not find, however many', async () => {
    const ids = ada.receive(60);
    await ada.settle();
    const { store } = ada.stores;
    const head = BigInt(ada.gmail.historyId);
    const operations = (label: string) =>
      ids.map((id) => ({
        kind: 'labelsAdded' as const,
        messageId: messageId(id),
        threadId: threadId(id),
        labelIds: [labelId(label)],
      }));
    const record = (after: bigint, label: string) => ({
      id: historyId(`${head + after}`),
      operations: operations(label),
    });
    const page = {
      mailbox: ADA,
      generation: 1,
      mark: null,
      settle: null,
      settledBefore: historyId(`${head}`),
      now: ada.clock.now(),
    };
    await store.applyHistory({ ...page, records: [record(10n, 'STARRED')] });
    await store.applyHistory({ ...page, records: [record(5n, 'UNREAD')] });
    // Makes Gmail's answers as new as those records.
    for (const id of ids)
      for (let change = 0; change < 12; change++)
        ada.gmail.modify([id], change % 2 === 0 ? { add: ['STARRED'] } : { remove: ['STARRED'] });
    for (const id of ids.slice(0, 50))
      ada.simulator.faults.add({ match: { messageId: id }, effect: { kind: 'status', status: 404 } });

    const session = await ada.deps.openSession({ mailbox: ADA, lane: 'live' });
    const refresh = refreshLabels(ada.deps, session, ADA, RUN);
    await ada.run(100);
    expect(await refresh).toBe(true);
    const waiting = await store.nextRefresh({ mailbox: ADA, limit: 100, now: Number.MAX_SAFE_INTEGER });
    expect(waiting.toSorted()).toEqual(ids.slice(0, 50).toSorted());
    expect(await store.nextAttemptAt({ mailbox: ADA, lane: 'live', now: ada.clock.now() })).toBeGreaterThan(
      ada.clock.now() + 2_000,
    );
  });
});
