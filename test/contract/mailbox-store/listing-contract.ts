import { describe, expect, it } from 'vitest';
import { threadId } from '../../../src/model/ids.ts';
import type { FullSyncProgress } from '../../../src/store/rows/mailbox-row.ts';
import {
  added,
  h,
  deleted,
  l,
  m,
  reading,
  scope,
  record,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function listing(fixture: StoreFixture): void {
  describe('listing', () => {
    const open = useMailbox(fixture);

    it('begins a generation at its first page', async () => {
      const mailbox = open();
      expect(await mailbox.begin(100)).toEqual({
        generation: 1,
        startHistoryId: '100',
        startedAt: mailbox.now,
        reconciling: false,
        step: 'listing',
        pass: 0,
        listing: 0,
        pageToken: null,
        position: 0,
        passHistoryId: '100',
      });
      expect((await mailbox.row()).historyId).toBeNull();
    });

    it('goes on where the same generation stopped, with the mark that was pinned first', async () => {
      const mailbox = open();
      const begun = await mailbox.begin(100);
      const progress = {
        ...begun,
        step: 'listing',
        pass: 1,
        listing: 0,
        pageToken: 'p2',
        position: 500,
        passHistoryId: h(103),
      } as const;
      await mailbox.store.saveProgress({ mailbox: mailbox.id, generation: 1, progress });
      expect(
        await mailbox.store.beginFullSync({ mailbox: mailbox.id, generation: 1, startHistoryId: h(999), now: 1 }),
      ).toEqual(progress);
    });

    it('refuses a generation older than the stored one', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.begin(200);
      expect(
        await mailbox.store.beginFullSync({ mailbox: mailbox.id, generation: 1, startHistoryId: h(100), now: 1 }),
      ).toBeNull();
      expect(await mailbox.row()).toMatchObject({ generation: 2, fullSync: { generation: 2, startHistoryId: '200' } });
    });

    it('reconciles when messages were read before, not when they were only listed', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      expect(await mailbox.begin(200)).toMatchObject({ reconciling: false });
      await mailbox.save(reading('a'));
      expect(await mailbox.begin(300)).toMatchObject({ reconciling: true });
    });

    it('reconciles, too, where a message came in outside the scope and was never read', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.finish();
      await mailbox.apply([record(101, added('junk', ['SPAM']))]);
      expect(await mailbox.begin(200)).toMatchObject({ reconciling: true });
    });

    it('makes unknown ids pending in the order of the listing', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      expect(await mailbox.list(['c', 'a'])).toEqual({ unknown: 2 });
      expect(await mailbox.list(['b'], 2)).toEqual({ unknown: 1 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['c', 'a', 'b']);
      expect(await mailbox.pendingIds('live')).toEqual([]);
      expect(await mailbox.counts()).toEqual({
        stored: 0,
        pending: 3,
        failed: 0,
        gone: 0,
        excluded: 0,
        lacking: 0,
        backfill: 3,
        due: 3,
      });
    });

    it('changes nothing when a page is listed twice', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b']);
      expect(await mailbox.list(['a', 'b'])).toEqual({ unknown: 0 });
      expect(await mailbox.counts()).toMatchObject({ pending: 2 });
    });

    it('takes a page that names a message twice', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      expect(await mailbox.list(['a', 'b', 'a'])).toEqual({ unknown: 2 });
    });

    it('takes a page of many hundred messages', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      const ids = Array.from({ length: 777 }, (_, index) => `m${String(index).padStart(4, '0')}`);
      expect(await mailbox.list(ids)).toEqual({ unknown: 777 });
      expect(await mailbox.pendingIds('backfill', 777)).toEqual(ids);
    });

    it('keeps the position of the first pass when passes repeat, and resets it in the next generation', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b', 'c']);
      await mailbox.list(['new', 'a', 'b', 'c'].toReversed());
      expect((await mailbox.pendingIds('backfill')).filter((id) => id !== 'new')).toEqual(['a', 'b', 'c']);
      await mailbox.begin(200);
      await mailbox.list(['c', 'b', 'a']);
      expect((await mailbox.pendingIds('backfill')).filter((id) => id !== 'new')).toEqual(['c', 'b', 'a']);
    });

    it.each([
      ['read', [reading('a'), reading('b')]],
      ['listed, and not yet read,', []],
    ])('has the positions of one pass only, where messages within a limit were %s before', async (_, read) => {
      const mailbox = open();
      await mailbox.put(scope({ limit: 2 }));
      await mailbox.begin(100);
      await mailbox.list(['a', 'b']);
      await mailbox.finish({ keepNewest: 2 });
      await mailbox.save(...read);
      await mailbox.begin(200);
      await mailbox.list(['a', 'b', 'left', 'c']);
      await mailbox.list(['new', 'newer']);
      await mailbox.list(['a', 'b', 'c'], 2);
      const { id, generation } = mailbox;
      const listed = await mailbox.store.listedFrom({ mailbox: id, generation, position: 0, limit: 9 });
      expect(listed.map(({ position, messages }) => [position, ...messages.map((one) => one.id)])).toEqual([
        [0, 'new'],
        [1, 'newer'],
        [2, 'a'],
        [3, 'b'],
        [4, 'c'],
      ]);
    });

    it('takes no page of an earlier pass, which an abandoned attempt saves late', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      const first = await mailbox.progress();
      if (first.step !== 'listing') throw new Error('a full sync begins with a listing');
      const save = (pass: number, id: string) =>
        mailbox.store.saveListingPage({
          mailbox: mailbox.id,
          generation: mailbox.generation,
          messages: [{ id: m(id), threadId: threadId(`t-${id}`) }],
          position: 0,
          progress: { ...first, pass, pageToken: 'next' },
          now: mailbox.now,
        });
      await save(1, 'a');
      await save(0, 'late');
      expect(await mailbox.pendingIds('backfill')).toEqual(['a']);
      expect(await mailbox.progress()).toMatchObject({ pass: 1 });
    });

    it.each([
      ['the listing was repeated', { repeats: 1 }],
      ['the listing began another pass', { pass: 1 }],
    ])('is not ended by an attempt that was abandoned before %s', async (_, later) => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      const { store, id, generation } = mailbox;
      const begun = await mailbox.progress();
      const repeated = { ...begun, ...later };
      await store.saveProgress({ mailbox: id, generation, progress: repeated });
      const confirmed: FullSyncProgress = { ...begun, step: 'confirming', pass: 0 };
      expect(await mailbox.finish({ confirmed })).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.progress()).toEqual(repeated);
      expect(await mailbox.finish({ confirmed: repeated })).toEqual({ gone: 1, relabelled: 0 });
    });

    it('does not go back to an earlier step of its pass, where an abandoned attempt still is', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      const { store, id, generation } = mailbox;
      const listing = await mailbox.progress();
      if (listing.step !== 'listing') throw new Error('a full sync begins with a listing');
      const confirming: FullSyncProgress = { ...listing, step: 'confirming', pass: 0 };
      await store.saveProgress({ mailbox: id, generation, progress: confirming });
      await store.saveProgress({ mailbox: id, generation, progress: listing });
      expect(await mailbox.progress()).toEqual(confirming);
      const again = { ...listing, pass: 1 };
      await store.saveProgress({ mailbox: id, generation, progress: again });
      await store.saveProgress({ mailbox: id, generation, progress: confirming });
      expect(await mailbox.progress()).toEqual(again);
    });

    it('leaves live work in its order when it is listed too', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      for (const [id, at] of [
        ['first', 101],
        ['second', 102],
      ] as const) {
        mailbox.now += 10;
        await mailbox.apply([record(at, added(id))]);
      }
      await mailbox.list(['first', 'second']);
      expect(await mailbox.pendingIds('live')).toEqual(['second', 'first']);
      expect(await mailbox.pendingIds('backfill')).toEqual([]);
    });

    it('keeps the state of rows that are listed again', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b', { labels: ['TRASH'] })]);
      await mailbox.begin(200);
      await mailbox.list(['a', 'b', 'c']);
      await mailbox.failFetch('c');
      await mailbox.list(['a', 'b', 'c']);
      expect(await mailbox.counts()).toMatchObject({ stored: 1, excluded: 1, failed: 1, pending: 0 });
    });

    it('asks again for a tombstone that is listed, and no reading older than its deletion restores it', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 50 })]);
      await mailbox.apply([record(101, deleted('a'))]);
      await mailbox.begin(200);
      expect(await mailbox.list(['a'])).toEqual({ unknown: 0 });
      expect(await mailbox.pending('backfill')).toMatchObject([{ id: 'a', historyId: '101' }]);
      expect(await mailbox.save(reading('a', { at: 50 }))).toEqual({ stored: 0, stale: ['a'] });
      expect(await mailbox.save(reading('a', { at: 102 }))).toEqual({ stored: 1, stale: [] });
    });

    it('stores a quiet message again that one listing did not show and the next one did', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 50 })]);
      await mailbox.begin(200);
      await mailbox.finish();
      expect(await mailbox.counts()).toMatchObject({ gone: 1, stored: 0 });
      await mailbox.begin(300);
      await mailbox.list(['a']);
      expect(await mailbox.save(reading('a', { at: 50, labels: ['Later'] }))).toEqual({ stored: 1, stale: [] });
      expect(await mailbox.labels()).toEqual({ a: ['Later'] });
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a', 'stored a']);
    });

    it('writes no page of an earlier generation', async () => {
      const mailbox = open();
      const zombie = await mailbox.begin(100);
      await mailbox.begin(200);
      expect(
        await mailbox.store.saveListingPage({
          mailbox: mailbox.id,
          generation: 1,
          messages: [{ id: m('z'), threadId: reading('z').threadId }],
          position: 0,
          progress: zombie,
          now: 1,
        }),
      ).toEqual({ unknown: 0 });
      await mailbox.store.saveLabelListingPage({
        mailbox: mailbox.id,
        generation: 1,
        labelId: l('INBOX'),
        messages: [{ id: m('z'), threadId: threadId('z') }],
        isInScope: true,
        progress: zombie,
        now: mailbox.now,
      });
      await mailbox.store.saveProgress({ mailbox: mailbox.id, generation: 1, progress: zombie });
      expect(await mailbox.counts()).toMatchObject({ pending: 0 });
      expect(await mailbox.progress()).toMatchObject({ generation: 2 });
    });

    it('does not go back a step for an attempt that was given up', async () => {
      const mailbox = open();
      const zombie = await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.finish();
      await mailbox.store.saveListingPage({
        mailbox: mailbox.id,
        generation: 1,
        messages: [{ id: m('z'), threadId: reading('z').threadId }],
        position: 0,
        progress: zombie,
        now: 1,
      });
      await mailbox.store.saveProgress({ mailbox: mailbox.id, generation: 1, progress: zombie });
      expect(await mailbox.progress()).toMatchObject({ step: 'fetching' });
      expect(await mailbox.pendingIds('backfill')).toEqual(['a']);
      const fetching = await mailbox.progress();
      const { startedAt, startHistoryId, generation, reconciling } = fetching;
      await mailbox.store.saveProgress({
        mailbox: mailbox.id,
        generation: 1,
        progress: { startedAt, startHistoryId, generation, reconciling, step: 'done', finishedAt: 7 },
      });
      await mailbox.store.saveProgress({ mailbox: mailbox.id, generation: 1, progress: fetching });
      expect(await mailbox.progress()).toMatchObject({ step: 'done', finishedAt: 7 });
    });

    it('names what its end would bury', async () => {
      const mailbox = open();
      await mailbox.sync(['a', 'b', 'c', 'd', 'e'].map((id) => reading(id, id === 'e' ? { labels: ['SPAM'] } : {})));
      await mailbox.apply([record(101, deleted('d'))]);
      await mailbox.begin(200);
      await mailbox.list(['b']);
      expect(await mailbox.suspects('unread')).toMatchObject({
        absent: 2,
        absentBefore: 0,
        relabelled: 0,
        messageIds: ['a', 'c'],
      });
    });
  });
}
