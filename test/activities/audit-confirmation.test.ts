import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { historyId, messageId, threadId } from '../../src/model/ids.ts';
import { ADA, RunningMailbox } from './running-mailbox.ts';

const MINUTE = 60_000;
let ada: RunningMailbox;
let ids: string[];
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'minimal' });
  ids = ada.receive(100);
  await ada.settle();
});
afterEach(() => ada.close());

async function audit() {
  const { served } = ada.lanes.state.audits;
  ada.lanes.dispatch({ kind: 'audit-requested' });
  const isOver = () => ada.lanes.state.audits.served > served;
  if (!(await ada.clock.runUntil(isOver, 30 * MINUTE))) throw new Error('no audit');
  return (await ada.stores.store.getMailbox(ADA))?.audit ?? null;
}

/** Rows that Gmail knows nothing of, as a bug or a manual change might leave them. Their ids sort last. */
async function haunt(count: number): Promise<string[]> {
  const ghosts = Array.from({ length: count }, (_, index) => `f${String(index).padStart(15, '0')}`);
  await ada.stores.store.saveFetched({
    mailbox: ADA,
    messages: ghosts.map((id) => ({
      id: messageId(id),
      threadId: threadId(id),
      labelIds: ['INBOX' as never],
      historyId: historyId('5'),
      internalDate: 0,
      sizeEstimate: 1,
      snippet: '',
      body: null,
    })),
    format: 'minimal',
    now: ada.clock.now(),
  });
  // Time passes and mail arrives, so that the audit does not take the damage for a change under way.
  ada.receive(3);
  await ada.run(20 * MINUTE);
  return ghosts;
}

const omit = (id: string | undefined): void => {
  ada.gmail.omissions.add({ messageId: id ?? '', from: 'all' });
};

describe('an audit that finds more differences than it checks one by one', () => {
  it('counts all of them as drift when every get of its sample confirms them', async () => {
    await haunt(150);
    expect(await audit()).toMatchObject({ extra: 150, unconfirmed: 0 });
    expect(ada.lanes.state.drift).toBe(150);
  });

  it('counts those that it did not check as unconfirmed when one get refutes a listing', async () => {
    omit(ids[0]);
    await haunt(150);
    expect(await audit()).toMatchObject({ extra: 99, unconfirmed: 51 });
    expect(ada.lanes.state.drift).toBe(99);
  });
});

describe('an audit whose get fails', () => {
  const refuses = (id: string | undefined, times?: number) =>
    ada.simulator.faults.add({
      match: { method: 'messages.get', messageId: id ?? '' },
      effect: { kind: 'status', status: 500 },
      ...(times === undefined ? {} : { times }),
    });

  it('repeats the get, which then refutes a wrong listing', async () => {
    omit(ids[7]);
    const fault = refuses(ids[7], 2);
    expect(await audit()).toMatchObject({ extra: 0, unconfirmed: 0 });
    expect(fault.strikes).toBe(2);
    expect(ada.lanes.state.drift).toBe(0);
  });

  it('counts the message as unconfirmed, and not as drift, while the get fails', async () => {
    omit(ids[7]);
    refuses(ids[7]);
    const [ghost] = await haunt(1);
    expect(await audit()).toMatchObject({ extra: 1, unconfirmed: 1, examples: { extra: [ghost] } });
    expect(ada.lanes.state.drift).toBe(1);
  });

  it('still counts the other differences as confirmed when the rest of the sample confirms them', async () => {
    const [ghost] = await haunt(150);
    refuses(ghost);
    expect(await audit()).toMatchObject({ extra: 149, unconfirmed: 1 });
  });
});

it('An audit result that an earlier version stored counts nothing as unconfirmed', async () => {
  const row = await ada.stores.store.getMailbox(ADA);
  expect(row?.audit).toBeNull();
  await ada.stores.store.beginAudit({ mailbox: ADA, audit: 1 });
  const examples = { missing: [], extra: [], differing: [] };
  const earlier = { startedAt: 1, finishedAt: 2, checked: 3, missing: 0, extra: 0, differing: 0, examples };
  await ada.stores.store.saveAudit({ mailbox: ADA, audit: 1, result: earlier as never });
  expect((await ada.stores.store.getMailbox(ADA))?.audit).toEqual({ ...earlier, unconfirmed: 0 });
});
