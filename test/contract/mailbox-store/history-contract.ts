import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  added,
  deleted,
  h,
  l,
  labelled,
  reading,
  record,
  scope,
  unlabelled,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function history(fixture: StoreFixture): void {
  describe('history', () => {
    const open = useMailbox(fixture);

    it('applies a record again that came before its message was known', async () => {
      const mailbox = open();
      await mailbox.sync([]);
      const early = record(200, labelled('a', 'TRASH'));
      await mailbox.apply([early]);
      await mailbox.apply([record(190, added('a')), early]);
      expect(await mailbox.save(reading('a', { at: 195 }))).toMatchObject({ stale: ['a'] });
      expect(await mailbox.save(reading('a', { at: 200, labels: ['TRASH'] }))).toMatchObject({ stale: [] });
      expect(await mailbox.counts()).toMatchObject({ stored: 0, excluded: 1 });
    });

    it('applies an operation of a hundred labels with long ids, once', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      const labels = Array.from(
        { length: 100 },
        (_, index) => `Label_${createHash('sha256').update(String(index)).digest('hex')}`,
      );
      const page = [record(101, labelled('a', ...labels))];
      expect(await mailbox.apply(page, { settledBefore: 100 })).toMatchObject({ relabelled: 1, changed: true });
      expect(await mailbox.apply(page, { settledBefore: 100 })).toMatchObject({ relabelled: 0, changed: false });
      expect((await mailbox.labels())['a']).toHaveLength(101);
    });

    it('applies label operations as set operations and moves the mark, without a fetch', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['INBOX', 'UNREAD'] })]);
      const applied = await mailbox.apply([
        record(101, unlabelled('a', 'UNREAD')),
        record(102, labelled('a', 'STARRED', 'INBOX')),
      ]);
      expect(applied).toEqual({ added: 0, deleted: 0, relabelled: 2, late: 0, changed: true });
      expect(await mailbox.message('a')).toMatchObject({ labelIds: ['INBOX', 'STARRED'], historyId: '102' });
      expect((await mailbox.row()).historyId).toBe('102');
      expect(await mailbox.feed()).toEqual(['stored a', 'labels a']);
      expect((await mailbox.counts()).due).toBe(0);
    });

    it('makes added messages pending in the live lane, ahead of the listing', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['old', 'fresh']);
      await mailbox.finish();
      expect(await mailbox.apply([record(101, added('new', ['INBOX'])), record(102, added('fresh'))])).toMatchObject({
        added: 1,
      });
      expect((await mailbox.pendingIds('live')).toSorted()).toEqual(['fresh', 'new']);
      expect(await mailbox.pendingIds('backfill')).toEqual(['old']);
      expect(await mailbox.feed()).toEqual([]);
    });

    it('excludes an added message at once when the labels of its record say so', async () => {
      const mailbox = open();
      await mailbox.sync([]);
      await mailbox.apply([record(101, added('junk', ['SPAM']))]);
      expect(await mailbox.counts()).toMatchObject({ excluded: 1, pending: 0 });
      await mailbox.apply([record(102, unlabelled('junk', 'SPAM'), labelled('junk', 'INBOX'))]);
      expect(await mailbox.pendingIds('live')).toEqual(['junk']);
      expect(await mailbox.save(reading('junk', { at: 102 }))).toEqual({ stored: 1, stale: [] });
    });

    it('buries what was deleted, and keeps a tombstone for what it never knew', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      expect(await mailbox.apply([record(101, deleted('a'), deleted('unknown'))])).toMatchObject({ deleted: 2 });
      expect(await mailbox.counts()).toMatchObject({ gone: 2, stored: 0 });
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a']);
      expect(await mailbox.save(reading('unknown', { at: 100 }))).toEqual({ stored: 0, stale: [] });
    });

    it('brings a deleted message back when a newer record adds it', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, deleted('a')), record(102, added('a'))]);
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'a', historyId: '102' }]);
      await mailbox.apply([record(101, deleted('a'))]);
      expect(await mailbox.pendingIds('live')).toEqual(['a']);
      expect(await mailbox.messages()).toEqual([]);
      await mailbox.save(reading('a', { at: 102 }));
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a', 'stored a']);
    });

    it('skips what the last reading already contains', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 105, labels: ['Now'] })]);
      expect(await mailbox.apply([record(104, labelled('a', 'Then')), record(105, deleted('a'))])).toMatchObject({
        relabelled: 0,
        deleted: 0,
        late: 0,
      });
      expect(await mailbox.labels()).toEqual({ a: ['Now'] });
    });

    it('has a message read again when a record appears late, once', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['INBOX'] })]);
      await mailbox.apply([record(110, labelled('a', 'X'))]);
      const page = [record(105, labelled('a', 'INBOX', 'Y')), record(110, labelled('a', 'X'))];
      expect(await mailbox.apply(page)).toMatchObject({ late: 1, relabelled: 0, changed: true });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX', 'X'] });
      expect(await mailbox.refreshes()).toEqual(['a']);
      expect(await mailbox.apply(page)).toMatchObject({ late: 0, changed: false });
      await mailbox.saveAs('minimal', reading('a', { at: 110, labels: ['INBOX', 'X', 'Y'], body: null }));
      expect(await mailbox.labels()).toEqual({ a: ['INBOX', 'X', 'Y'] });
      expect(await mailbox.refreshes()).toEqual([]);
    });

    it('ignores a late record of a tombstone or of a pending message, whose get will contain it', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(110, deleted('a'), added('b'))]);
      expect(await mailbox.apply([record(105, labelled('a', 'X'), added('a'), labelled('b', 'X'))])).toMatchObject({
        added: 0,
        late: 0,
      });
      expect(await mailbox.counts()).toMatchObject({ gone: 1, pending: 1 });
      expect(await mailbox.refreshes()).toEqual([]);
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'b', historyId: '110' }]);
    });

    it('does not refresh for a record that says late that the message was added', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(110, labelled('a', 'X'))]);
      expect(await mailbox.apply([record(105, added('a'))])).toMatchObject({ late: 0 });
    });

    it('has labels read again when a held message is added without having been deleted', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b', { labels: ['INBOX'] })]);
      await mailbox.apply([record(101, added('a')), record(101, added('b', ['INBOX']))]);
      expect(await mailbox.refreshes()).toEqual(['a']);
    });

    it('only remembers the newer history id of a pending message', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a', 'f']);
      await mailbox.failFetch('f');
      await mailbox.finish();
      await mailbox.apply([record(101, labelled('a', 'TRASH')), record(102, labelled('f', 'TRASH'))]);
      expect(await mailbox.counts()).toMatchObject({ pending: 1, failed: 1, excluded: 0 });
      expect(await mailbox.save(reading('a', { at: 100 }), reading('f', { at: 101 }))).toMatchObject({
        stale: ['a', 'f'],
      });
    });

    it('moves messages out of and into scope as their labels change, without a fetch', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, labelled('a', 'TRASH'))]);
      expect(await mailbox.counts()).toMatchObject({ stored: 0, excluded: 1 });
      await mailbox.apply([record(102, unlabelled('a', 'TRASH'))]);
      expect(Buffer.from((await mailbox.message('a'))?.body ?? []).toString()).toBe('body of a');
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a', 'stored a']);
    });

    it('reports no change for labels that one page adds and removes', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, labelled('a', 'X')), record(102, unlabelled('a', 'X'))]);
      expect(await mailbox.feed()).toEqual(['stored a']);
    });

    it.for([
      ['any label added, when all mail is mirrored', {}, labelled('a', 'Work'), 1],
      ['taken out of the trash', {}, unlabelled('a', 'TRASH', 'INBOX'), 1],
      ['taken out of spam, under a label scope', { labelIds: [l('Work')] }, unlabelled('a', 'SPAM'), 1],
      ['a label of the scope added', { labelIds: [l('Work')] }, labelled('a', 'Home', 'Work'), 1],
      ['another label added', { labelIds: [l('Work')] }, labelled('a', 'Home'), 0],
      ['put into the trash', {}, labelled('a', 'TRASH'), 0],
      ['a label removed', {}, unlabelled('a', 'Work'), 0],
    ] as const)(
      'asks for an unknown message only where a label operation may have brought it into scope: %s',
      async ([, changes, operation, pending]) => {
        const mailbox = open();
        await mailbox.put(scope(changes));
        await mailbox.sync([]);
        await mailbox.apply([record(101, operation)]);
        expect(await mailbox.pendingIds('live')).toHaveLength(pending);
      },
    );

    it('asks for a message that a listing took for gone when its labels change later, not earlier', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 50 })]);
      await mailbox.begin(200);
      await mailbox.finish();
      await mailbox.apply([record(199, unlabelled('a', 'TRASH')), record(201, labelled('a', 'TRASH'))]);
      expect(await mailbox.counts()).toMatchObject({ gone: 1 });
      await mailbox.apply([record(202, unlabelled('a', 'TRASH'))]);
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'a', historyId: '202' }]);
      await mailbox.save(reading('a', { at: 202, labels: ['INBOX'] }));
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a', 'stored a']);
    });

    it('changes nothing when the same page is applied again', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      const page = [
        record(101, labelled('a', 'X'), added('c')),
        record(102, unlabelled('a', 'X'), labelled('a', 'Y')),
        record(103, deleted('b')),
      ];
      await mailbox.apply(page, { mark: 102 });
      const before = [await mailbox.messages(), await mailbox.counts(), await mailbox.changes()];
      expect(await mailbox.apply(page, { mark: 102 })).toEqual({
        added: 0,
        deleted: 0,
        relabelled: 0,
        late: 0,
        changed: false,
      });
      expect([await mailbox.messages(), await mailbox.counts(), await mailbox.changes()]).toEqual(before);
      expect(await mailbox.refreshes()).toEqual([]);
    });

    it('applies every operation of a record that straddles two pages', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, labelled('a', 'X'))], { mark: null });
      expect(await mailbox.apply([record(101, labelled('a', 'Y')), record(102, labelled('a', 'Z'))])).toMatchObject({
        relabelled: 2,
        late: 0,
      });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX', 'X', 'Y', 'Z'] });
    });

    it('takes settled records below the mark as applied, although it has forgotten their operations', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      const page = [record(101, labelled('a', 'X')), record(102, unlabelled('a', 'X'))];
      await mailbox.apply(page);
      await mailbox.apply([], { mark: 150, settledBefore: 120 });
      expect(await mailbox.apply(page)).toMatchObject({ late: 0, changed: false });
      expect(await mailbox.refreshes()).toEqual([]);
    });

    it('applies a record above the settled marks even if the mark has passed it', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([], { mark: 150, settledBefore: 100 });
      expect(await mailbox.apply([record(120, labelled('a', 'X'))], { settledBefore: 100 })).toMatchObject({
        relabelled: 1,
        changed: true,
      });
    });

    it('never moves the mark back, and leaves it when there is no new one', async () => {
      const mailbox = open();
      await mailbox.sync([]);
      await mailbox.apply([record(9, labelled('a', 'X'))], { mark: '9223372036854775809' });
      await mailbox.apply([], { mark: '9223372036854775808' });
      await mailbox.apply([], { mark: null });
      expect((await mailbox.row()).historyId).toBe('9223372036854775809');
    });

    it('sets no mark before the first listing has ended', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.apply([record(101, added('a'))], { mark: 101 });
      expect(await mailbox.row()).toMatchObject({ historyId: null, syncedAt: null });
      expect(await mailbox.pendingIds('live')).toEqual(['a']);
    });

    it('does nothing for another generation', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      expect(await mailbox.apply([record(101, deleted('a'))], { generation: 1 })).toBeNull();
      expect(await mailbox.counts()).toMatchObject({ stored: 1 });
      expect((await mailbox.row()).historyId).toBe('100');
    });

    it('accepts empty pages and empty records', async () => {
      const mailbox = open();
      await mailbox.sync([]);
      expect(await mailbox.apply([], { mark: 500 })).toEqual({
        added: 0,
        deleted: 0,
        relabelled: 0,
        late: 0,
        changed: false,
      });
      expect(await mailbox.apply([record(501)], { mark: 501 })).toMatchObject({ changed: false });
      expect((await mailbox.row()).historyId).toBe('501');
    });

    it('keeps the marks to settle unless it is given new ones', async () => {
      const mailbox = open();
      await mailbox.sync([]);
      const before = (await mailbox.row()).marks;
      await mailbox.apply([record(101, added('a'))]);
      expect((await mailbox.row()).marks).toEqual(before);
      const settle = [
        { historyId: h(100), at: 1 },
        { historyId: h(102), at: 2 },
      ];
      await mailbox.store.applyHistory({
        mailbox: mailbox.id,
        generation: 1,
        records: [],
        mark: h(102),
        settle,
        settledBefore: h(100),
        now: 1,
      });
      expect((await mailbox.row()).marks).toEqual(settle);
    });
  });
}
