import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createLook, lookForChanges } from '../../src/activities/look-for-changes.ts';
import { partialSync } from '../../src/activities/partial-sync.ts';
import { historyId, labelId, messageId, threadId } from '../../src/model/ids.ts';
import { simulatedWorker } from '../fixtures/gmail/simulated-worker.ts';
import { ADA, RUN, RunningMailbox } from './running-mailbox.ts';

const MINUTE = 60_000;

let ada: RunningMailbox;
let ids: readonly string[];
let label: string;
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: MINUTE });
  label = ada.gmail.createLabel('Old').id;
  ids = ada.receive(10);
  await ada.settle();
  await ada.run(5 * MINUTE);
});
afterEach(() => ada.close());

const lookNow = () => lookForChanges(ada.deps, { mailbox: ADA, historyId: ada.lanes.state.historyId }, RUN);
const row = async () => {
  const found = await ada.stores.store.getMailbox(ADA);
  if (found === null) throw new Error('the mailbox is not in the store');
  return found;
};

describe('a look at a mailbox in which nothing has happened', () => {
  it('is quiet and confirms that the mailbox is in sync, for three units', async () => {
    const units = ada.units();
    const before = await row();
    await ada.run(1_000);
    expect(await lookNow()).toEqual({ kind: 'quiet', historyId: before.historyId, units: 3 });
    expect(ada.units() - units).toBe(3);
    expect((await row()).syncedAt).toBe(ada.clock.now());
  });

  it('moves the mark to the head', async () => {
    const [id = ''] = ada.receive(1);
    ada.gmail.delete(id);
    await ada.run(5 * MINUTE);
    const { kind, ...seen } = await lookNow();
    expect(kind).toBe('quiet');
    expect(seen).toEqual({ historyId: ada.gmail.historyId, units: 3 });
  });
});

describe('a look finds more to do, and changes nothing,', () => {
  const waiting = () => [{ id: messageId('abc1'), threadId: threadId('abc1') }];
  const found: readonly (readonly [string, () => unknown])[] = [
    ['after a message has arrived', () => ada.receive(1)],
    ['after a label was made', () => ada.gmail.createLabel('New')],
    ['after a label was renamed', () => ada.gmail.renameLabel(label, 'New')],
    [
      'where a message waits to be fetched',
      () =>
        ada.stores.store.addListedLate({
          mailbox: ADA,
          generation: 1,
          messages: waiting(),
          since: null,
          now: ada.clock.now(),
        }),
    ],
    [
      'where labels are to be read again',
      () =>
        ada.stores.store.readAgainWithout({
          mailbox: ADA,
          labelId: labelId('Label_9'),
          messageIds: ids.slice(0, 1).map(messageId),
          now: ada.clock.now(),
        }),
    ],
    [
      'where the listing is to be made again',
      async () => {
        const { generation } = await row();
        await ada.stores.store.setRelistAt({ mailbox: ADA, generation, relistAt: ada.clock.now() + MINUTE });
      },
    ],
    [
      'where Gmail is to watch the mailbox',
      () => ada.replaceWorker((options) => simulatedWorker({ ...options, pushTopic: 'projects/p/topics/t' })),
    ],
  ];
  it.each(found)('%s', async (_, happens) => {
    await happens();
    const before = await row();
    expect(await lookNow()).toEqual({ kind: 'more' });
    expect(await row()).toEqual(before);
  });

  it('where the workflow has another mark', async () => {
    const before = await row();
    expect(await lookForChanges(ada.deps, { mailbox: ADA, historyId: historyId('1') }, RUN)).toEqual({ kind: 'more' });
    expect(await row()).toEqual(before);
  });
});

describe('a look whose call fails', () => {
  const refuse = (method: 'labels.list' | 'history.list', status: number) =>
    ada.simulator.faults.add({ match: { method }, effect: { kind: 'status', status } });

  it.each([
    ['labels.list', 400, 'refused'],
    ['history.list', 404, 'history-expired'],
    ['history.list', 503, 'unavailable'],
  ] as const)('at %s with %i leaves that to the partial sync, and changes nothing', async (method, status, kind) => {
    refuse(method, status);
    const before = await row();
    const requests = ada.requests.gmail;
    expect(await lookNow()).toMatchObject({ kind: 'more', failedBefore: { method, failure: { kind } } });
    // labels.list comes first.
    expect(ada.requests.gmail - requests).toBe(method === 'labels.list' ? 1 : 2);
    expect(await row()).toEqual(before);
  });

  it.each([
    [1, 'waits as after it', 750],
    [2, 'does not, since the look may be hours ago', 0],
  ])('at labels.list: attempt %i of the sync %s', async (attempt, _, atLeast) => {
    const failure = { kind: 'refused', status: 400, reason: 'failedPrecondition' } as const;
    const { historyId: mark } = await row();
    const request = { mailbox: ADA, historyId: mark, failedBefore: { method: 'labels.list', failure } } as const;
    const before = ada.clock.now();
    await ada.clock.during(partialSync(ada.deps, request, { ...RUN, attempt }));
    const waited = ada.clock.now() - before;
    expect(waited).toBeGreaterThanOrEqual(atLeast);
    expect(waited).toBeLessThanOrEqual(atLeast + 500);
  });

  it('since the grant is withdrawn fails, because neither server needs to be asked again', async () => {
    ada.simulator.revoke(ada.gmail.email);
    await expect(lookNow()).rejects.toMatchObject({ failure: { kind: 'consent-revoked', tokenRefused: true } });
  });
});

describe('the looks of one worker', () => {
  it('are at most as many at once as it allows, and the others are partial syncs at once', async () => {
    const lookOnce = createLook(1);
    const request = { mailbox: ADA, historyId: ada.lanes.state.historyId };
    const before = ada.units();
    const first = lookOnce(ada.deps, request, RUN);
    expect(await lookOnce(ada.deps, request, RUN)).toEqual({ kind: 'more' });
    expect(await first).toMatchObject({ kind: 'quiet' });
    expect(ada.units() - before).toBe(3);
    expect(await lookOnce(ada.deps, request, RUN)).toMatchObject({ kind: 'quiet' });
  });
});
