import { afterEach, describe, expect, it } from 'vitest';

import { doubtWords } from '../../src/cli/shortfall.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { labelId } from '../../src/model/ids.ts';
import { RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let ada: RunningMailbox;
afterEach(() => ada.close());

describe('a mailbox that lost thousands of messages', () => {
  it('removes them after a second whole listing some minutes later, without a get for each', async () => {
    ada = await RunningMailbox.open({ format: 'minimal' });
    const ids = ada.receive(1_500);
    await ada.settle();
    ada.gmail.deleteAll(ids.slice(0, 1_200));
    const before = ada.calls();
    await ada.recover();
    expect((await ada.counts()).gone).toBe(0);
    expect(await ada.doubt()).toMatchObject({ absent: 1_200 });
    expect(ada.lanes.state.fullSync.kind).toBe('done');
    await ada.run(30 * MINUTE);
    await ada.settle();
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
    expect(ada.gets(before)).toBeLessThanOrEqual(1 + 2 * 10);
  });
});

describe('a mailbox whose first listing after thousands of losses is in doubt', () => {
  it('loses nothing by a resync within a minute, since listings so close are one witness', async () => {
    ada = await RunningMailbox.open({ format: 'minimal', pollInterval: HOUR });
    const ids = ada.receive(1_500);
    await ada.settle();
    ada.gmail.deleteAll(ids.slice(0, 1_200));
    ada.expire();
    expect(await ada.clock.runUntil(async () => (await ada.doubt()) !== null, 5 * MINUTE)).toBe(true);
    const first = await ada.doubt();
    await ada.run(MINUTE / 2);
    ada.lanes.dispatch({ kind: 'resync-requested' });
    await ada.run(2 * MINUTE);
    expect((await ada.counts()).gone).toBe(0);
    const second = await ada.doubt();
    expect(second?.checkedAt, 'the resync has ended').toBeGreaterThan(first?.checkedAt ?? Infinity);
    expect(second).toMatchObject({ absent: 1_200, checks: 1 });
  });
});

describe('a mailbox that lost more messages than a comparison names', () => {
  const LOST = 10_100;
  let before: Record<string, number>;

  /** Comparing so many rows yields to the process's other work, and so takes real time, too. */
  const until = (holds: () => Promise<boolean>): Promise<true> =>
    eventually(60_000, async () => {
      await ada.run(20_000);
      return (await holds()) ? true : null;
    });

  /** Deletes the messages, and waits until the first listing afterwards has ended in doubt. */
  async function loseMany(): Promise<void> {
    ada = await RunningMailbox.open({ format: 'minimal', pollInterval: HOUR });
    const ids = ada.receive(LOST + 100);
    await ada.settle();
    ada.gmail.deleteAll(ids.slice(0, LOST));
    before = ada.calls();
    ada.expire();
    await until(async () => (await ada.doubt()) !== null);
    expect((await ada.counts()).gone).toBe(0);
    expect(await ada.doubt()).toMatchObject({ uncounted: 0, absent: LOST });
  }

  it('removes them after a second whole listing, with a sample of gets each time', async () => {
    await loseMany();
    await until(async () => (await ada.doubt()) === null);
    await ada.settle();
    await expectExact(ada);
    expect(ada.gets(before)).toBeLessThanOrEqual(1 + 2 * 10);
  });

  it('keeps all of them while Gmail counts messages that neither listing showed', async () => {
    await loseMany();
    ada.gmail.totalsOff.profile = 1;
    const doubted = (await ada.doubt())?.checks ?? 0;
    await until(async () => ((await ada.doubt())?.checks ?? 0) > doubted);
    expect((await ada.counts()).gone).toBe(0);
  });
});

describe('many deleted messages, and two existing ones that listings leave out for days,', () => {
  const DELETED = 40;
  let ids: readonly string[];
  let hidden: readonly string[];

  async function open({
    hasAge,
    ofLabel = false,
  }: {
    readonly hasAge: boolean;
    readonly ofLabel?: boolean;
  }): Promise<void> {
    ada = await RunningMailbox.open({ format: 'raw' });
    ids = ada.receive(120);
    await ada.settle();
    if (hasAge) await ada.configure({ scope: { after: ada.gmail.existing(ids[0] ?? '').internalDate } });
    if (ofLabel) await ada.configure({ scope: { labelIds: [labelId('INBOX')] } });
    const suspects = ids.slice(10, 10 + DELETED + 2);
    // A sample spread evenly from the first suspect on misses these.
    hidden = suspects.slice(1, 3);
    for (const messageId of hidden) ada.gmail.omissions.add({ messageId, from: 'all' });
    ada.gmail.deleteAll(suspects.filter((id) => !hidden.includes(id)));
  }

  async function expectOnlyDeletedGone(): Promise<void> {
    const found = await ada.gone();
    expect(found.filter((id) => hidden.includes(id))).toEqual([]);
    expect(new Set(found).size).toBe(DELETED);
    await ada.run(2 * DAY);
    expect(await ada.stores.store.dropBuriedBodies({ now: ada.clock.now(), grace: DAY })).toBe(DELETED);
    await expectExact(ada);
  }

  it('are told apart by gets, since the count shows that something is missing', async () => {
    await open({ hasAge: false });
    await ada.recover();
    expect(await ada.doubt()).toMatchObject({ uncounted: 2, absent: 0 });
    await expectOnlyDeletedGone();
  });

  it('are told apart by gets, and nobody is told that nothing was removed meanwhile', async () => {
    await open({ hasAge: false });
    await ada.recover();
    const doubt = await ada.doubt();
    if (doubt === null) throw new Error('two messages are missing from the listing');
    expect((await ada.counts()).gone).toBe(DELETED);
    expect(doubtWords({ ...doubt, relistAt: null }, ada.clock.now(), { runs: true })).toBe(
      'Gmail counts 2 messages more than it lists, Gmail counts 2 messages more under a label than it lists there. ' +
        'Nothing is removed because of one listing alone',
    );
  });

  it("are told apart in a scope of one label, by that label's own count", async () => {
    await open({ hasAge: false, ofLabel: true });
    await ada.recover();
    expect(await ada.doubt()).toMatchObject({ uncounted: 2, absent: 0 });
    await expectOnlyDeletedGone();
  });

  it('are told apart in a scope with an age, for which Gmail has no count', async () => {
    await open({ hasAge: true });
    await ada.recover();
    await ada.run(2 * HOUR);
    await expectOnlyDeletedGone();
  });

  it.each([2_000, 10_000, 30_000])(
    'are told apart while mail arrives every %i ms, so that no count is exact',
    async (every) => {
      await open({ hasAge: false });
      ada.expire();
      const until = ada.clock.now() + 20 * MINUTE;
      while (ada.clock.now() < until) {
        ada.receive(1);
        await ada.run(every);
      }
      await ada.run(90 * MINUTE);
      await expectOnlyDeletedGone();
    },
  );
});

describe('deleted messages in a scope with an age', () => {
  it('are confirmed one by one even if there are thousands, since Gmail does not count them', async () => {
    ada = await RunningMailbox.open({ format: 'minimal' });
    const ids = ada.receive(1_500);
    await ada.settle();
    await ada.configure({ scope: { after: ada.gmail.existing(ids[0] ?? '').internalDate } });
    ada.gmail.deleteAll(ids.slice(0, 1_200));
    await ada.recover();
    await ada.run(HOUR);
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });

  it('are asked for again when a get of the sample fails', async () => {
    ada = await RunningMailbox.open({ format: 'minimal' });
    const ids = ada.receive(120);
    await ada.settle();
    await ada.configure({ scope: { after: ada.gmail.existing(ids[0] ?? '').internalDate } });
    const deleted = ids.slice(10, 50);
    ada.gmail.deleteAll(deleted);
    const match = { method: 'messages.get', messageId: deleted[0] } as const;
    ada.simulator.faults.add({ match, effect: { kind: 'status', status: 500 }, times: 1 });
    await ada.recover();
    await ada.run(2 * HOUR);
    await expectExact(ada);
  });
});
