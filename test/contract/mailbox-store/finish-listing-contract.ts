import { describe, expect, it } from 'vitest';
import { threadId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import {
  added,
  deleted,
  h,
  l,
  labelled,
  m,
  reading,
  record,
  scope,
  unlabelled,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function finishListing(fixture: StoreFixture): void {
  describe('the end of a listing', () => {
    const open = useMailbox(fixture);

    it('sets the mark and the marks to settle to the head that was pinned first', async () => {
      const mailbox = open();
      const pinnedAt = mailbox.now;
      await mailbox.begin(100);
      await mailbox.list(['a']);
      mailbox.now += 40_000;
      expect(await mailbox.finish()).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.row()).toMatchObject({
        historyId: '100',
        marks: [{ historyId: '100', at: pinnedAt }],
        fullSync: { step: 'fetching', generation: 1, startHistoryId: '100', reconciling: false },
      });
    });

    it('buries stored, pending and failed messages that were not seen, with their bodies', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.apply([record(99, added('p')), record(99, added('f'))]);
      await mailbox.failFetch('f', { asOf: 99 });
      await mailbox.begin(200);
      await mailbox.list(['b']);
      expect(await mailbox.finish()).toEqual({ gone: 3, relabelled: 0 });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, gone: 3, pending: 0, failed: 0, due: 0 });
      expect(await mailbox.feed()).toEqual(['stored a', 'stored b', 'gone a']);
    });

    it('forgets a message that it did not see and no get read, so that a relisting can add it', async () => {
      const mailbox = open();
      await mailbox.put();
      await mailbox.begin(100);
      await mailbox.list(['a', 'late']);
      await mailbox.begin(101);
      await mailbox.list(['a']);
      expect(await mailbox.finish()).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.counts()).toMatchObject({ pending: 1, gone: 0 });
      const late = { id: m('late'), threadId: threadId('t-late') };
      expect(
        await mailbox.store.addListedLate({
          mailbox: mailbox.id,
          generation: mailbox.generation,
          messages: [late],
          since: null,
          now: mailbox.now,
        }),
      ).toMatchObject({ unknown: 1 });
      expect(await mailbox.counts()).toMatchObject({ pending: 2 });
    });

    it('keeps what a live sync read during the listing of an empty store, because history follows it', async () => {
      const mailbox = open();
      await mailbox.put();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.begin(101);
      await mailbox.save(reading('a', { at: 99 }));
      expect(await mailbox.finish()).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, gone: 0 });
    });

    it('refuses history that was read from a newer mark than the one that it set', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.apply([record(150, labelled('late', 'X'))], { settle: [{ historyId: h(160), at: mailbox.now }] });
      await mailbox.finish();
      expect(
        await mailbox.apply([], { mark: 170, settle: [{ historyId: h(170), at: mailbox.now }], settledBefore: 160 }),
      ).toBeNull();
      expect(await mailbox.row()).toMatchObject({ historyId: '100', marks: [{ historyId: '100' }] });
      expect(
        await mailbox.apply([], { mark: 170, settle: [{ historyId: h(170), at: mailbox.now }], settledBefore: 100 }),
      ).not.toBeNull();
      expect(await mailbox.row()).toMatchObject({ historyId: '170' });
    });

    it('spares what a live sync found after the listing began', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      await mailbox.apply([
        record(201, added('new')),
        record(202, labelled('a', 'X')),
        record(203, added('junk', ['SPAM'])),
      ]);
      await mailbox.finish();
      expect(await mailbox.counts()).toMatchObject({ stored: 1, pending: 1, excluded: 1, gone: 0 });
    });

    it('keeps unseen excluded messages excluded, and lets no older reading bring them in', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['TRASH'] })]);
      await mailbox.begin(200);
      expect(await mailbox.finish()).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.counts()).toMatchObject({ excluded: 1, gone: 0 });
      expect(await mailbox.save(reading('a', { at: 9, labels: ['INBOX'] }))).toEqual({ stored: 0, stale: [] });
      await mailbox.apply([record(201, unlabelled('a', 'TRASH'))]);
      expect(await mailbox.pendingIds('live')).toEqual(['a']);
      expect(await mailbox.feed()).toEqual([]);
    });

    it('does not let a reading from before the listing undo a tombstone', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 50 })]);
      await mailbox.begin(200);
      await mailbox.finish();
      expect(await mailbox.save(reading('a', { at: 60 }))).toEqual({ stored: 0, stale: [] });
      expect(await mailbox.apply([record(200, labelled('a', 'X'))])).toMatchObject({ added: 0 });
      expect(await mailbox.counts()).toMatchObject({ gone: 1 });
    });

    it('gives seen messages exactly the labels whose listings held them', async () => {
      const mailbox = open();
      await mailbox.sync([
        reading('a', { labels: ['INBOX', 'UNREAD'] }),
        reading('b', { labels: ['INBOX'] }),
        reading('c', { labels: ['INBOX'] }),
      ]);
      await mailbox.begin(200);
      await mailbox.list(['a', 'b', 'c']);
      await mailbox.listLabels({ INBOX: ['a', 'b'], STARRED: ['b'] });
      expect(await mailbox.finish({ labels: 'compared' })).toEqual({ gone: 0, relabelled: 3 });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'], b: ['INBOX', 'STARRED'], c: [] });
      expect(await mailbox.feed(3)).toEqual(['labels a', 'labels b', 'labels c']);
    });

    it('reports no change where nothing differs', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      await mailbox.list(['a']);
      await mailbox.listLabels({ INBOX: ['a'] });
      expect(await mailbox.finish({ labels: 'compared' })).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.feed()).toEqual(['stored a']);
    });

    it('does nothing the second time, when the label listings are gone', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      await mailbox.list(['a']);
      await mailbox.listLabels({ INBOX: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      await mailbox.apply([record(201, labelled('a', 'X'))]);
      expect(await mailbox.finish({ labels: 'compared' })).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX', 'X'] });
      expect((await mailbox.row()).historyId).toBe('201');
    });

    it('compares with the label listings of its own generation only', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      await mailbox.listLabels({ OLD: ['a'] });
      await mailbox.begin(300);
      await mailbox.list(['a']);
      await mailbox.listLabels({ NEW: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.labels()).toEqual({ a: ['NEW'] });
    });

    it('does not change a row that history has changed since, and has it read again when it differs', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['Lost'] }), reading('b', { labels: ['INBOX'] })]);
      await mailbox.begin(200);
      await mailbox.apply([record(201, labelled('a', 'X')), record(202, labelled('b', 'X'))]);
      await mailbox.list(['a', 'b']);
      await mailbox.listLabels({ INBOX: ['b'], X: ['a', 'b'] });
      expect(await mailbox.finish({ labels: 'compared' })).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.labels()).toEqual({ a: ['Lost', 'X'], b: ['INBOX', 'X'] });
      expect(await mailbox.refreshes()).toEqual(['a']);
    });

    it('trusts a get more than listings that began before it', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      await mailbox.list(['a']);
      await mailbox.save(reading('a', { at: 205, labels: ['Read'] }));
      await mailbox.listLabels({ INBOX: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.labels()).toEqual({ a: ['Read'] });
      expect(await mailbox.refreshes()).toEqual([]);
    });

    it('keeps the history id of a row when the next listing began from an older head', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      for (const start of [200, 150]) {
        await mailbox.begin(start);
        await mailbox.list(['a']);
        await mailbox.listLabels({ INBOX: ['a'] });
        await mailbox.finish({ labels: 'compared' });
      }
      expect(await mailbox.apply([record(180, unlabelled('a', 'INBOX'))])).toMatchObject({ relabelled: 0 });
    });

    it('skips records that the compared listings contain', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['INBOX'] })]);
      await mailbox.begin(200);
      await mailbox.list(['a']);
      await mailbox.listLabels({ INBOX: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      await mailbox.apply([record(150, unlabelled('a', 'INBOX'))]);
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
    });

    it('accepts the body of a quiet message after labels were compared, and rereads it if they differ', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 50 })]);
      await mailbox.begin(200);
      await mailbox.list(['a', 'b']);
      await mailbox.listLabels({ Filed: ['a', 'b'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.save(reading('b', { at: 60, labels: ['INBOX'] }))).toEqual({ stored: 1, stale: [] });
      expect(await mailbox.labels()).toEqual({ a: ['Filed'], b: ['Filed'] });
      expect(await mailbox.refreshes()).toEqual(['b']);
      await mailbox.saveRefreshed([reading('b', { at: 60, labels: ['INBOX'] })]);
      expect(await mailbox.labels()).toEqual({ a: ['Filed'], b: ['INBOX'] });
      expect(await mailbox.refreshes()).toEqual([]);
      await mailbox.save(reading('b', { at: 201, labels: ['INBOX'] }));
      expect(await mailbox.labels()).toMatchObject({ b: ['INBOX'] });
    });

    it('keeps compared labels however many gets from before the listing answer late', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 50 })]);
      await mailbox.begin(200);
      await mailbox.list(['a']);
      await mailbox.listLabels({ Filed: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      for (const labels of [['INBOX'], ['INBOX'], ['Filed'], ['INBOX']])
        await mailbox.save(reading('a', { labels, at: 50 }));
      expect(await mailbox.labels()).toEqual({ a: ['Filed'] });
      expect(await mailbox.refreshes()).toEqual(['a']);
      await mailbox.saveRefreshed([reading('a', { labels: ['Filed'], at: 50 })]);
      expect(await mailbox.refreshes()).toEqual([]);
      expect(await mailbox.labels()).toEqual({ a: ['Filed'] });
    });

    it('lets no get decide that was asked for before the labels were compared', async () => {
      const mailbox = open();
      const sizeless = { ...reading('a', { at: 50, labels: ['INBOX'] }), sizeEstimate: 0, leftOut: 'size' } as const;
      await mailbox.sync([sizeless]);
      mailbox.now += 20 * 60_000;
      expect(await mailbox.refreshes()).toEqual(['a']);
      const askedAt = mailbox.now;
      mailbox.now += 60_000;
      await mailbox.begin(200);
      await mailbox.list(['a']);
      await mailbox.listLabels({ Filed: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      mailbox.now += 1;
      await mailbox.saveRefreshed([sizeless], { askedAt });
      expect(await mailbox.labels()).toEqual({ a: ['Filed'] });
      await mailbox.saveRefreshed([reading('a', { at: 50, labels: ['INBOX'] })]);
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
    });

    it('reads the labels again of a message that it shows although older ones put it out of scope', async () => {
      const mailbox = open();
      await mailbox.put();
      await mailbox.begin(200);
      await mailbox.apply([record(101, added('junk', ['SPAM'])), record(201, added('new junk', ['SPAM']))]);
      await mailbox.list(['junk', 'new junk']);
      await mailbox.finish();
      expect(await mailbox.refreshes()).toEqual(['junk']);
    });

    it('moves messages out of scope and into it without another download', async () => {
      const mailbox = open();
      await mailbox.put(scope({ labelIds: [l('Work')] }));
      await mailbox.sync([reading('a', { labels: ['Work'] }), reading('b', { labels: [] })]);
      await mailbox.begin(200);
      await mailbox.list(['a', 'b']);
      await mailbox.listLabels({ Work: ['b'] });
      expect(await mailbox.finish({ labels: 'compared' })).toEqual({ gone: 0, relabelled: 2 });
      expect(await mailbox.labels()).toEqual({ b: ['Work'] });
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a', 'stored b']);
      expect(await mailbox.counts()).toMatchObject({ excluded: 1, pending: 0 });
    });

    it('fetches an excluded message whose body was never held when it comes into scope', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, added('junk', ['SPAM']))]);
      await mailbox.begin(200);
      await mailbox.list(['a', 'junk']);
      await mailbox.listLabels({ INBOX: ['a', 'junk'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.pendingIds('backfill')).toEqual(['junk']);
    });

    it('fetches everything again when the format has changed, and reports each message once more', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.put({ ...DEFAULT_SETTINGS, format: 'raw' });
      expect(await mailbox.counts()).toMatchObject({ stored: 2 });
      await mailbox.begin(200);
      await mailbox.list(['b', 'a']);
      await mailbox.finish();
      expect(await mailbox.pendingIds('backfill')).toEqual(['b', 'a']);
      await mailbox.save(reading('a'));
      expect(await mailbox.counts()).toMatchObject({ stored: 0, pending: 2 });
      await mailbox.saveAs('raw', reading('a', { body: 'raw a' }));
      expect(await mailbox.message('a')).toMatchObject({ format: 'raw', body: Buffer.from('raw a') });
      expect(await mailbox.feed()).toEqual(['stored a', 'stored b', 'stored a']);
    });

    it('reports a message as gone that is deleted while it waits for its new format', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.put({ ...DEFAULT_SETTINGS, format: 'raw' });
      await mailbox.begin(200);
      await mailbox.list(['a']);
      await mailbox.finish();
      await mailbox.apply([record(201, deleted('a'))]);
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a']);
    });

    it('does nothing for another generation', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      const confirmed = await mailbox.progress();
      const request = { mailbox: mailbox.id, confirmed, labels: 'unread', keepNewest: null, now: 1 } as const;
      await mailbox.begin(200);
      expect(await mailbox.store.finishListing({ ...request, generation: 1 })).toEqual({ gone: 0, relabelled: 0 });
      expect(await mailbox.row()).toMatchObject({ historyId: null, fullSync: { step: 'listing' } });
      expect(await mailbox.counts()).toMatchObject({ pending: 1 });
    });

    it('works through more rows than one batch holds', async () => {
      const mailbox = open();
      const ids = Array.from({ length: 2_345 }, (_, index) => `m${String(index).padStart(5, '0')}`);
      await mailbox.sync(ids.map((id) => reading(id, { body: 'of all' })));
      await mailbox.begin(200);
      const seen = ids.filter((_, index) => index % 3 !== 0);
      await mailbox.list(seen);
      await mailbox.listLabels({ New: seen });
      expect(await mailbox.finish({ labels: 'compared' })).toEqual({
        gone: ids.length - seen.length,
        relabelled: seen.length,
      });
      expect(new Set(Object.values(await mailbox.labels()).map(String))).toEqual(new Set(['New']));
      const sequences = (
        await mailbox.store.readChangePage({ mailbox: mailbox.id, after: 0, limit: 10_000 })
      ).changes.map((change) => change.sequence);
      expect(sequences).toEqual(Array.from({ length: 2 * ids.length }, (_, index) => index + 1));
    });

    it('counts a message of a later page as seen', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.begin(200);
      await mailbox.list(['b']);
      await mailbox.list(['a']);
      expect(await mailbox.suspects('unread')).toMatchObject({ absent: 0 });
      expect(await mailbox.finish()).toMatchObject({ gone: 0 });
    });

    it('replays history from the pinned head although a live sync was further', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      await mailbox.apply([record(201, labelled('a', 'X')), record(202, unlabelled('a', 'X'))], { mark: 202 });
      await mailbox.list(['a']);
      await mailbox.listLabels({ INBOX: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      expect((await mailbox.row()).historyId).toBe('200');
      expect(await mailbox.apply([record(201, labelled('a', 'X')), record(202, unlabelled('a', 'X'))])).toMatchObject({
        changed: false,
        late: 0,
      });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
      expect(await mailbox.refreshes()).toEqual([]);
    });
  });
}
