import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { knownMailbox } from '../../src/activities/known-mailbox.ts';
import { SETTLING_TIME } from '../../src/activities/settling.ts';
import { labelId, messageId } from '../../src/model/ids.ts';
import type { Doubt } from '../../src/store/rows/mailbox-row.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let ada: RunningMailbox;
afterEach(() => ada.close());

/** A message is starred while history has expired, and the label's listing leaves it out at first. */
async function expectStarredLate(messageId: string): Promise<void> {
  const omission = ada.gmail.omissions.add({ messageId, from: 'label:STARRED' });
  ada.gmail.modify([messageId], { add: ['STARRED'], remove: [] });
  await ada.recover();
  expect(await ada.doubt()).toMatchObject({ uncounted: 0, absent: 0, relabelled: 0, underLabels: 1 });
  omission.remove();
  await ada.run(10 * MINUTE);
  await expectExact(ada);
  expect(await ada.doubt()).toBeNull();
}

describe('a message that listings leave out', () => {
  let ids: string[];
  beforeEach(async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    ids = ada.receive(60);
    await ada.settle();
  });

  it("is not absent when its label's listing shows it, and costs no get", async () => {
    ada.gmail.omissions.add({ messageId: ids[3] ?? '', from: 'listing' });
    const before = ada.calls();
    await ada.recover();
    await expectExact(ada);
    expect(await ada.gone()).toEqual([]);
    const newMail = 1;
    expect(ada.gets(before)).toBe(newMail);
    expect(await ada.doubt()).toBeNull();
  });

  it('stays, with its body, after history has expired, however long every listing leaves it out', async () => {
    ada.gmail.omissions.add({ messageId: ids[3] ?? '', from: 'all' });
    await ada.recover();
    await expectExact(ada);
    expect(await ada.gone()).toEqual([]);
    expect(await ada.stores.store.dropBuriedBodies({ now: ada.clock.now() + 30 * DAY, grace: 0 })).toBe(0);
  });

  it('keeps its body if it had left the scope and came back unseen, since a count is in doubt', async () => {
    await ada.configure({ pollInterval: HOUR, scope: { labelIds: [labelId('INBOX')] } });
    const [, , , archived = ''] = ids;
    ada.gmail.modify([archived], { add: [], remove: ['INBOX'] });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect(await ada.gone()).toEqual([archived]);
    ada.gmail.modify([archived], { add: ['INBOX'], remove: [] });
    const omission = ada.gmail.omissions.add({ messageId: archived, from: 'all' });
    await ada.recover();
    expect(await ada.doubt()).toMatchObject({ uncounted: 1, absent: 0 });
    expect(await ada.stores.store.dropBuriedBodies({ now: ada.clock.now() + 30 * DAY, grace: 0 })).toBe(0);
    omission.remove();
    await ada.run(2 * DAY);
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });

  it("stays in a scope of one label, and is doubted, because that label's own count includes it", async () => {
    await ada.configure({ scope: { labelIds: [labelId('INBOX')] } });
    const omitted = ids.slice(3, 6);
    for (const id of omitted) ada.gmail.omissions.add({ messageId: id, from: 'all' });
    await ada.recover();
    await expectExact(ada);
    expect(await ada.gone()).toEqual([]);
    expect(await ada.doubt()).toMatchObject({ uncounted: omitted.length, absent: 0 });
  });

  it('is stored once listings show it days later, although labels.get gives no count of SPAM', async () => {
    await ada.configure({ pollInterval: HOUR });
    ada.gmail.labelBook.unlist('SPAM', { get: 'missing' });
    const [late = ''] = ada.receive(1);
    const omission = ada.gmail.omissions.add({ messageId: late, from: 'all' });
    await ada.recover();
    await ada.run(5 * DAY);
    expect(await ada.doubt()).toMatchObject({ uncounted: 1 });
    omission.remove();
    await ada.run(8 * DAY);
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });

  it('is no drift to an audit, and a resync does not remove it', async () => {
    ada.gmail.omissions.add({ messageId: ids[3] ?? '', from: 'all' });
    ada.lanes.dispatch({ kind: 'audit-requested' });
    await ada.run(10 * MINUTE);
    expect((await ada.stores.store.getMailbox(ADA))?.audit).toMatchObject({ missing: 0, extra: 0, differing: 0 });
    ada.lanes.dispatch({ kind: 'resync-requested' });
    await ada.settle();
    await expectExact(ada);
    expect(await ada.gone()).toEqual([]);
  });

  it("keeps a label although the label's own listing leaves it out", async () => {
    ada.gmail.omissions.add({ messageId: ids[3] ?? '', from: 'label:INBOX' });
    await ada.recover();
    await expectExact(ada);
  });

  it('gets a missed label from a later listing, since Gmail counts one message more under that label', async () => {
    const [id = ''] = ids;
    await expectStarredLate(id);
  });

  it('gets a missed label also in a scope with an age, where a small label is counted at any age', async () => {
    await ada.configure({ scope: { after: ada.gmail.existing(ids[30] ?? '').internalDate } });
    const [id = ''] = ids.slice(-1);
    for (const old of ids.slice(0, 3)) ada.gmail.modify([old], { add: ['STARRED'], remove: [] });
    await expectStarredLate(id);
  });

  it("is fetched although a deleted message makes up for it in a listing that lags behind Gmail's count", async () => {
    await ada.close();
    ada = await RunningMailbox.open({ format: 'raw', pollInterval: HOUR });
    const [hidden = '', deleted = ''] = ada.receive(20);
    await ada.clock.runUntil(() => false, MINUTE);
    Object.assign(ada.gmail.lag, { listMs: 20_000, historyMs: 20_000 });
    const omission = ada.gmail.omissions.add({ messageId: hidden, from: 'all' });
    await ada.run(25_000);
    expect(await ada.doubt()).toMatchObject({ uncounted: 1 });
    ada.gmail.deleteAll([deleted]);
    await ada.run(15_000);
    omission.remove();
    await ada.run(DAY);
    await expectExact(ada);
  });

  it('is fetched although the pages of a later listing shift, and show another message twice', async () => {
    ada.gmail.paging.tokens = 'offset';
    ada.gmail.paging.listPage = 20;
    const [hidden = ''] = ada.receive(1, { from: ada.clock.now() });
    await ada.settle();
    const omission = ada.gmail.omissions.add({ messageId: hidden, from: 'all' });
    await ada.stores.store.beginRemoval({ mailbox: ADA, chain: null, now: ada.clock.now() });
    await ada.stores.store.finishRemovals({ now: ada.clock.now() });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect(await ada.doubt()).toMatchObject({ uncounted: 1, absent: 0 });
    ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'slow', ms: 1_000 } });
    const listings = () => ada.calls()['messages.list'] ?? 0;
    const before = listings();
    expect(await ada.clock.runUntil(() => listings() > before + 1, DAY)).toBe(true);
    // The newest message comes back after the second page: each later page begins with the last one of the page before.
    omission.remove();
    await ada.run(2 * DAY);
    await ada.settle();
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });

  it.each(['listings', 'minimal'] as const)(
    'is fetched although a listed message is deleted before the listing is repeated (%s)',
    async (recovery) => {
      await ada.configure({ recovery });
      ada.expire();
      const hidden = ada.gmail.truth().find(({ id }) => !ids.includes(id))?.id ?? '';
      ada.gmail.omissions.add({ messageId: hidden, from: 'all', until: ada.clock.now() + 2 * HOUR });
      // The first listing comes half a minute after the mark was pinned, and its repetition half a minute later.
      await ada.run(45_000);
      ada.gmail.deleteAll(ids.slice(0, 1));
      await ada.run(3 * DAY);
      await expectExact(ada);
    },
  );

  it('is fetched when a later listing shows it for the first time', async () => {
    const [hidden = ''] = ada.receive(1);
    await ada.settle();
    ada.gmail.omissions.add({ messageId: hidden, from: 'all', until: ada.clock.now() + 2 * 60 * MINUTE });
    await ada.stores.store.beginRemoval({ mailbox: ADA, chain: null, now: ada.clock.now() });
    await ada.stores.store.finishRemovals({ now: ada.clock.now() });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect(await ada.doubt()).toMatchObject({ uncounted: 1, absent: 0 });
    await ada.run(DAY + 2 * 60 * MINUTE);
    await ada.settle();
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });
});

describe('a listing that is cut short', () => {
  const PAGES = ['empty-page', 'cut-page', 'empty-object'] as const;

  it.each(
    PAGES.flatMap(
      (kind) =>
        [
          [kind, 1],
          [kind, 2],
        ] as const,
    ),
  )('by an odd answer (%s, times: %i) removes nothing', async (kind, times) => {
    ada = await RunningMailbox.open({ format: 'raw' });
    ada.gmail.paging.listPage = 100;
    ada.receive(400);
    await ada.settle();
    const fault = ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind }, times });
    await ada.recover();
    fault.remove();
    await expectExact(ada);
    expect(await ada.gone()).toEqual([]);
  });

  it.each(PAGES)('for ten minutes (%s) removes nothing, is shown as doubted, and is repeated', async (kind) => {
    ada = await RunningMailbox.open({ format: 'raw' });
    ada.gmail.paging.listPage = 100;
    ada.receive(1_200);
    await ada.settle();
    ada.simulator.faults.add({
      match: { method: 'messages.list' },
      effect: { kind },
      until: ada.clock.now() + 10 * MINUTE,
    });
    ada.expire();
    await ada.run(9 * MINUTE);
    expect((await ada.counts()).gone).toBe(0);
    expect((await ada.doubt())?.absent ?? 0, 'doubted').toBeGreaterThan(0);
    expect(ada.lanes.state.blocked).toBeNull();
    await ada.run(3 * 60 * MINUTE);
    await ada.settle();
    await expectExact(ada);
    expect(await ada.gone()).toEqual([]);
    expect(await ada.doubt()).toBeNull();
  });

  it('in a first full sync is repeated before the mailbox counts as in sync', async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    ada.receive(50);
    ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'empty-page' }, times: 1 });
    await ada.settle();
    await expectExact(ada);
  });

  it('once in a first sync is repeated at once: all is stored without doubt before the relisting', async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    ada.receive(50);
    ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'empty-page' }, times: 1 });
    await ada.run(SETTLING_TIME / 2);
    const row = await ada.stores.store.getMailbox(ADA);
    expect(row?.relistAt, 'when the relisting is due').toBeGreaterThan(ada.clock.now());
    expect(row?.doubt).toBeNull();
    await expectExact(ada);
  });

  it.each([
    ['of all mail', {}],
    ['with an age', { after: Date.UTC(2025, 0, 1) }],
    ['with a limit', { limit: 100 }],
  ])('is made up for within a minute by the relisting, although its pages shift (a scope %s)', async (_, scope) => {
    await ada.close();
    ada = await RunningMailbox.open({ format: 'raw', pollInterval: HOUR, scope });
    Object.assign(ada.gmail.paging, { tokens: 'offset', listPage: 10 });
    const messages = ada.receive(60);
    const empty = { match: { method: 'messages.list' }, effect: { kind: 'empty-page' }, times: 3 } as const;
    const fault = ada.simulator.faults.add(empty);
    ada.simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'slow', ms: 500 } });
    const listings = () => ada.calls()['messages.list'] ?? 0;
    await ada.run(20_000);
    fault.remove();
    const before = listings();
    expect(await ada.clock.runUntil(() => listings() > before + 1, MINUTE)).toBe(true);
    // The ten messages on the next page are now on a page that was listed before.
    ada.gmail.deleteAll(messages.slice(-10));
    await ada.run(MINUTE);
    expect(await ada.counts()).toMatchObject({ stored: 50 });
  });

  it('counts as one check, however often a person resyncs, so that the next check is not put off', async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    ada.receive(50);
    ada.simulator.faults.add({
      match: { method: 'messages.list' },
      effect: { kind: 'empty-page' },
      until: ada.clock.now() + 8 * MINUTE,
    });
    for (let times = 0; times < 5; times++) {
      await ada.run(MINUTE);
      ada.lanes.dispatch({ kind: 'resync-requested' });
    }
    await ada.run(MINUTE);
    expect(await ada.doubt()).toMatchObject({ uncounted: 50, checks: 1 });
    await ada.run(10 * MINUTE);
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });

  it('under a label that labels.get does not know is repeated, since no count shows what is missing', async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    const own = ada.gmail.createLabel('Work').id;
    ada.receive(20, { labelIds: [own] });
    ada.gmail.labelBook.unlist(own, { get: 'missing' });
    ada.simulator.faults.add({
      match: { method: 'messages.list' },
      effect: { kind: 'empty-page' },
      until: ada.clock.now() + 10 * MINUTE,
    });
    await ada.configure({ scope: { labelIds: [labelId(own)] } });
    expect(await ada.doubt()).toMatchObject({ uncounted: 0, absent: 0, checks: 1 });
    await ada.run(2 * 60 * MINUTE);
    await expectExact(ada);
  });

  it('because its label was deleted is not doubted', async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    const own = ada.gmail.createLabel('Work').id;
    ada.receive(20, { labelIds: ['INBOX', own] });
    await ada.configure({ scope: { labelIds: [labelId(own), labelId('SENT')] } });
    ada.gmail.deleteLabel(own);
    await ada.recover();
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });
});

describe('a whole listing that is to be repeated', () => {
  it('waits while a message is still to be fetched, and costs no more polls than usual', async () => {
    ada = await RunningMailbox.open();
    const [id = ''] = ada.receive(3);
    const outage = ada.simulator.faults.add({ match: { messageId: id }, effect: { kind: 'status', status: 404 } });
    await ada.settle();
    expect(await ada.counts()).toMatchObject({ stored: 2, failed: 1 });
    ada.lanes.dispatch({ kind: 'retry-requested' });
    await ada.run(40_000);
    const now = ada.clock.now();
    await ada.stores.store.saveDoubt({
      mailbox: ADA,
      generation: ada.lanes.state.generation,
      replaces: null,
      doubt: { since: now, checkedAt: now, checks: 1, uncounted: 0, absent: 1, relabelled: 0 },
      relistAt: now + 1_000,
    });
    const before = ada.calls();
    await ada.run(MINUTE / 2);
    expect(ada.lanes.defect).toBeNull();
    expect(await ada.counts()).toMatchObject({ stored: 2, pending: 1 });
    expect((ada.calls()['history.list'] ?? 0) - (before['history.list'] ?? 0)).toBeLessThanOrEqual(2);
    outage.remove();
    await ada.settle();
    await ada.run(2 * HOUR);
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });
});

describe('a label', () => {
  let own: string;
  let ids: string[];
  /** Gives messages a new label that labels.list and labels.get do not know, and that history will not show. */
  function addHiddenLabel(messages: readonly string[]): string {
    const { id } = ada.gmail.createLabel('Hidden');
    ada.gmail.labelBook.unlist(id, { get: 'missing' });
    ada.gmail.modify([...messages], { add: [id], remove: [] });
    return id;
  }
  beforeEach(async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    own = ada.gmail.createLabel('Work').id;
    ids = ada.receive(30, { labelIds: ['INBOX', own] });
    await ada.settle();
  });

  it('that labels.list leaves out stays on its messages through a recovery', async () => {
    ada.gmail.labelBook.unlist(own, { get: 'answers' });
    await ada.recover();
    await expectExact(ada);
  });

  describe('that is deleted without a history record', () => {
    /** The listing itself takes the label away, before a partial sync can. */
    async function expectForgottenByListing(): Promise<void> {
      const ends = () => ada.lanes.state.fullSync.kind !== 'listing';
      expect(await ada.clock.runUntil(ends, 5 * MINUTE)).toBe(true);
      expect((await ada.stores.store.getLabels(ADA)).map(({ id }) => id)).not.toContain(own);
    }

    /** Deletes the label so that this is the first to see it. */
    const seenFirstBy = {
      'a partial sync': async () => {
        ada.gmail.deleteLabel(own, { silent: true });
        ada.lanes.dispatch({ kind: 'poked' });
        await ada.settle();
      },
      'a recovery': async () => {
        ada.expire();
        const begins = () => ada.lanes.state.fullSync.kind === 'listing';
        expect(await ada.clock.runUntil(begins, MINUTE)).toBe(true);
        ada.gmail.deleteLabel(own, { silent: true });
        await expectForgottenByListing();
        await ada.settle();
      },
      'a recovery under way': async () => {
        ada.expire();
        await ada.run(10_000);
        expect(ada.lanes.state.fullSync).toMatchObject({ kind: 'listing', reason: 'expired' });
        ada.gmail.deleteLabel(own, { silent: true });
        await expectForgottenByListing();
        await ada.settle();
      },
    } as const;
    const PATHS = Object.keys(seenFirstBy) as (keyof typeof seenFirstBy)[];

    async function expectGoneEverywhere(): Promise<void> {
      await expectExact(ada);
      expect((await ada.stores.store.getLabels(ADA)).map(({ id }) => id)).not.toContain(own);
      const labels = await ada.stores.store.labelsOf({ mailbox: ADA, messageIds: ids.map(messageId) });
      expect(labels).toEqual(new Map(ids.map((id) => [id, ['INBOX']])));
      expect(await ada.doubt()).toBeNull();
      expect(await ada.stores.store.dropBuriedBodies({ now: ada.clock.now() + DAY, grace: 0 })).toBe(0);
    }

    it.each(PATHS)('is removed from every message, and no message is lost, if %s sees that first', async (path) => {
      await seenFirstBy[path]();
      await expectGoneEverywhere();
      expect(await ada.gone()).toEqual([]);
    });

    it.each(PATHS)(
      'takes its messages out of a scope that names it, with their bodies kept, if %s sees it',
      async (path) => {
        await ada.configure({ scope: { labelIds: [labelId(own), labelId('SENT')] } });
        await seenFirstBy[path]();
        await expectGoneEverywhere();
        expect(await ada.counts()).toMatchObject({ stored: 0, excluded: 30, pending: 0 });
        expect(new Set(await ada.gone())).toEqual(new Set(ids));
      },
    );
  });

  it('that was wrongly removed comes back to its messages', async () => {
    ada.gmail.labelBook.unlist(own, { get: 'answers' });
    await ada.stores.store.removeLabel({ mailbox: ADA, labelId: labelId(own), now: ada.clock.now() });
    await ada.run(30 * MINUTE);
    await expectExact(ada);
    expect((await ada.stores.store.getLabels(ADA)).map(({ id }) => id)).toContain(own);
  });

  it('that a recovery missed reaches even a message that its listing omits, once labels.list names it', async () => {
    const other = addHiddenLabel(ids.slice(0, 4));
    const omission = ada.gmail.omissions.add({ messageId: ids[2] ?? '', from: `label:${other}` });
    await ada.recover();
    ada.gmail.labelBook.relist(other);
    await ada.run(25 * MINUTE);
    expect((await ada.doubt())?.underLabels).toBe(1);
    omission.remove();
    await ada.run(DAY);
    await expectExact(ada);
    expect(await ada.doubt()).toBeNull();
  });

  /** Saves a doubt just before Gmail first answers such a request. */
  function doubtDuring(isMeant: (url: string) => boolean, doubted: Partial<Doubt>): void {
    const { transport } = ada;
    ada.transport = async (request) => {
      if (!isMeant(request.url)) return await transport(request);
      ada.transport = transport;
      const { generation, relistAt, doubt: replaces } = await knownMailbox(ada.deps, ADA);
      const now = ada.clock.now();
      const doubt = { since: now, checkedAt: now, checks: 1, uncounted: 0, absent: 0, relabelled: 0, ...doubted };
      const save = { mailbox: ADA, generation, replaces, doubt, relistAt: relistAt ?? now + DAY };
      await ada.stores.store.saveDoubt(save);
      return await transport(request);
    };
  }

  it('that is doubted during a relisting has everything listed again', async () => {
    await ada.stores.store.beginRemoval({ mailbox: ADA, chain: null, now: ada.clock.now() });
    await ada.stores.store.finishRemovals({ now: ada.clock.now() });
    ada.lanes.dispatch({ kind: 'poked' });
    const isAwaited = async () => (await ada.stores.store.getMailbox(ADA))?.relistAt != null;
    expect(await ada.clock.runUntil(isAwaited, MINUTE)).toBe(true);
    const { generation } = await knownMailbox(ada.deps, ADA);
    doubtDuring((url) => url.includes('/messages?'), { underLabels: 1 });
    await ada.run(10 * MINUTE);
    expect((await knownMailbox(ada.deps, ADA)).generation).toBe(generation + 1);
    expect(await ada.doubt()).toBeNull();
  });

  it('is doubted together with what another listing doubts meanwhile', async () => {
    const other = addHiddenLabel(ids.slice(0, 4));
    ada.gmail.omissions.add({ messageId: ids[2] ?? '', from: `label:${other}` });
    await ada.recover();
    doubtDuring((url) => url.includes(`/labels/${other}`), { uncounted: 1 });
    ada.gmail.labelBook.relist(other);
    await ada.run(25 * MINUTE);
    expect(await ada.doubt()).toMatchObject({ uncounted: 1, underLabels: 1 });
  });

  it('that a recovery missed, and that labels.list never names, reaches all messages once one shows it', async () => {
    const other = addHiddenLabel(ids.slice(0, 4));
    await ada.recover();
    ada.gmail.modify(ids.slice(0, 1), { add: ['STARRED', other], remove: [] });
    ada.gmail.modify(ids.slice(4, 5), { add: [other], remove: [] });
    await ada.run(DAY);
    await expectExact(ada);
  });

  it('that labels.list leaves out during a recovery has its messages listed once it is named again', async () => {
    ada.gmail.labelBook.unlist(own, { get: 'missing' });
    const [unlabelled = ''] = ada.receive(1);
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    ada.gmail.modify([unlabelled], { add: [own], remove: [] });
    const omission = ada.gmail.omissions.add({ messageId: unlabelled, from: `label:${own}` });
    await ada.recover();
    await ada.run(DAY);
    expect(await ada.doubt()).toBeNull();
    omission.remove();
    ada.gmail.labelBook.relist(own);
    await ada.run(DAY);
    await expectExact(ada);
  });

  it('that does not exist empties no mirror: the settings are refused, with the reason', async () => {
    const { settings } = ada.lanes.state;
    ada.lanes.configure({ ...settings, scope: { ...settings.scope, labelIds: [labelId('Label_9999')] } });
    await ada.run(5 * MINUTE);
    expect(ada.lanes.state.blocked).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('"Label_9999", which Gmail does not know. Nothing was removed') as string,
    });
    expect((await ada.counts()).stored).toBe(30);
    ada.lanes.configure(settings);
    ada.lanes.dispatch({ kind: 'resumed' });
    await ada.settle();
    await expectExact(ada);
    expect(await ada.gone()).toEqual([]);
  });
});

describe('the first seconds of a first full sync', () => {
  it('leave nothing stale from a lagging replica, and cost no extra get', async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    const ids = ada.receive(40);
    ada.receive(10, { labelIds: ['UNREAD', 'INBOX'] });
    await ada.run(0);
    Object.assign(ada.gmail.lag, { getMs: 4_000, getProbability: 1 });
    ada.gmail.modify(ids.slice(0, 20), { add: ['STARRED'], remove: ['INBOX'] });
    await ada.settle();
    await expectExact(ada);
    expect(ada.gets()).toBeLessThanOrEqual(50);
  });

  it('leave no message that a lagging replica showed although it was deleted before the mark', async () => {
    ada = await RunningMailbox.open({ format: 'raw' });
    const [, deleted = ''] = ada.receive(10);
    Object.assign(ada.gmail.lag, { listMs: 20_000, getMs: 20_000, getProbability: 1 });
    ada.gmail.deleteAll([deleted]);
    // History from before the mark, which would show the deletion, has expired.
    ada.gmail.expireHistory();
    await ada.run(5_000);
    expect((await ada.counts()).stored, 'as the replica answered').toBe(10);
    await ada.run(HOUR);
    await expectExact(ada);
    expect(await ada.gone()).toEqual([deleted]);
  });
});
