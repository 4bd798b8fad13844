import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { historyId, messageId, threadId } from '../../src/model/ids.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

const DAY = 24 * 60 * 60_000;
let ada: RunningMailbox;
let ids: string[];
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'raw' });
  ids = ada.receive(100);
  ada.receive(5, { labelIds: ['SPAM'] });
  await ada.settle();
});
afterEach(() => ada.close());

async function audit(limit = 10 * 60_000) {
  const { served } = ada.lanes.state.audits;
  ada.lanes.dispatch({ kind: 'audit-requested' });
  if (!(await ada.clock.runUntil(() => ada.lanes.state.audits.served > served, limit))) throw new Error('no audit');
  return (await ada.stores.store.getMailbox(ADA))?.audit ?? null;
}

/** Damages the store without a trace at Gmail, as a bug or a manual change may. */
async function damage({ deletes = true } = {}): Promise<void> {
  const { store } = ada.stores;
  const row = await store.getMailbox(ADA);
  const head = BigInt(row?.historyId ?? '0');
  const subject = (index: number) => ({ messageId: messageId(ids[index] ?? ''), threadId: threadId(ids[index] ?? '') });
  const operations = [
    ...(deletes ? [{ kind: 'deleted' as const, ...subject(3) }] : []),
    { kind: 'labelsAdded' as const, ...subject(4), labelIds: ['STARRED' as never] },
    { kind: 'labelsRemoved' as const, ...subject(5), labelIds: ['INBOX' as never] },
  ];
  await store.applyHistory({
    mailbox: ADA,
    generation: row?.generation ?? 0,
    records: [{ id: historyId(`${head + 1n}`), operations }],
    mark: null,
    settle: null,
    settledBefore: historyId('0'),
    now: ada.clock.now(),
  });
  const ghost = {
    id: messageId('abc'),
    threadId: threadId('abc'),
    labelIds: ['INBOX' as never],
    historyId: historyId('5'),
    internalDate: 0,
    sizeEstimate: 1,
    snippet: '',
    body: new Uint8Array([1]),
  };
  await store.saveFetched({ mailbox: ADA, messages: [ghost], format: 'raw', now: ada.clock.now() });
  // Time passes and mail arrives, so that the audit does not take the damage for a change under way.
  ada.receive(3);
  await ada.run(20 * 60_000);
}

describe('an audit', () => {
  it('of an exact store finds nothing, and costs only listings', async () => {
    const before = ada.calls();
    expect(await audit()).toMatchObject({ checked: 100, missing: 0, extra: 0, differing: 0 });
    expect(ada.gets(before)).toBe(0);
    expect(ada.lanes.state.drift).toBe(0);
  });

  it('names messages that are missing, that Gmail does not have, and whose labels differ', async () => {
    await damage();
    const result = await audit();
    expect(result).toMatchObject({
      missing: 1,
      extra: 1,
      differing: 2,
      examples: { missing: [ids[3]], extra: ['abc'] },
    });
    expect(result?.examples.differing.toSorted()).toEqual(ids.slice(4, 6).toSorted());
    expect(ada.lanes.state.drift).toBe(4);
  });

  it('reports no drift for changes that happen while it runs, even if the indexes lag', async () => {
    Object.assign(ada.gmail.lag, { historyMs: 4_000, listMs: 4_000, jitter: true });
    ada.gmail.paging.listPage = 7;
    ada.simulator.latencyMs = 200;
    const mutate = async (): Promise<void> => {
      for (let round = 0; round < 40; round++) {
        await ada.clock.sleep(1_000);
        const id = ids[(round * 7) % 100] ?? '';
        if (round % 4 === 0) ada.receive(1);
        else if (round % 4 === 1) ada.gmail.modify([id], { add: ['STARRED'], remove: ['INBOX'] });
        else if (round % 4 === 2) ada.gmail.trash(id);
        else ada.gmail.deleteAll([id]);
      }
    };
    const mutations = mutate();
    expect(await audit()).toMatchObject({ missing: 0, extra: 0, differing: 0 });
    await ada.run(60_000);
    await mutations;
  });

  it('starts by itself, as often as the settings say', async () => {
    await ada.configure({ auditInterval: DAY });
    expect((await ada.stores.store.getMailbox(ADA))?.audit).toBeNull();
    await ada.run(DAY + 60_000);
    const first = (await ada.stores.store.getMailbox(ADA))?.audit;
    expect(first?.checked).toBe(100);
    await ada.run(DAY);
    expect((await ada.stores.store.getMailbox(ADA))?.audit?.startedAt).toBeGreaterThan(
      (first?.startedAt ?? 0) + DAY - 60_000,
    );
  });
});

describe('a resync of a damaged store', () => {
  it('leaves nothing for an audit to find', async () => {
    await damage({ deletes: false });
    expect(await audit()).toMatchObject({ missing: 0, extra: 1, differing: 2 });
    ada.lanes.dispatch({ kind: 'resync-requested' });
    await ada.settle();
    expect(await audit()).toMatchObject({ missing: 0, extra: 0, differing: 0 });
    await expectExact(ada);
  });

  it('ends although a message seems newer in the store than at Gmail, and lists that message as failed', async () => {
    await damage();
    await ada.stores.store.dropBuriedBodies({ now: ada.clock.now() + 9 * DAY, grace: 0 });
    ada.lanes.dispatch({ kind: 'resync-requested' });
    await ada.settle();
    expect(await ada.stores.store.listFailed(ADA, 10)).toMatchObject([
      { id: ids[3], error: expect.stringContaining('older state') },
    ]);
    expect(await audit()).toMatchObject({ missing: 0, extra: 0, differing: 0 });
  });

  it('brings back a message that was wrongly called gone, without fetching it while its body is kept', async () => {
    await damage();
    const before = ada.calls();
    ada.lanes.dispatch({ kind: 'resync-requested' });
    await ada.settle();
    await expectExact(ada);
    // One to confirm each loss that a listing shows: the ghost, and the label that nobody gave.
    expect(ada.gets(before)).toBe(2);
  });
});
