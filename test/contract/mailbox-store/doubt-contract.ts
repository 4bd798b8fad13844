import { describe, expect, it } from 'vitest';
import { threadId } from '../../../src/model/ids.ts';
import type { Scope } from '../../../src/model/settings.ts';
import {
  deleted,
  h,
  l,
  labelled,
  m,
  reading,
  record,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

const DOUBT = { since: 1, checkedAt: 2, checks: 1, uncounted: 0, absent: 1, relabelled: 0 };

export function doubt(fixture: StoreFixture): void {
  describe('a doubted listing', () => {
    const open = useMailbox(fixture);

    it('removes no message and no doubted label; the doubt stays until a listing ends without doubt', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['INBOX', 'X'] }), reading('b', { labels: ['INBOX', 'Y'] })]);
      await mailbox.begin(200);
      await mailbox.list(['a']);
      expect(await mailbox.suspects()).toMatchObject({ absent: 1, relabelled: 1, messageIds: ['a', 'b'] });
      expect((await mailbox.suspects()).losing).toEqual(
        new Map([
          ['INBOX', 1],
          ['X', 1],
        ]),
      );
      expect(
        await mailbox.finish({
          labels: 'compared',
          absence: 'doubted',
          doubtedLabels: [l('X')],
          doubt: DOUBT,
          relistAt: 9,
        }),
      ).toEqual({ gone: 0, relabelled: 1 });
      expect(await mailbox.labels()).toEqual({ a: ['X'], b: ['INBOX', 'Y'] });
      expect(await mailbox.row()).toMatchObject({ doubt: DOUBT, relistAt: 9 });

      await mailbox.begin(300);
      await mailbox.list(['a']);
      expect(await mailbox.suspects('unread', mailbox.now)).toMatchObject({ absent: 1, absentBefore: 1 });
      expect(await mailbox.finish()).toEqual({ gone: 1, relabelled: 0 });
      expect(await mailbox.row()).toMatchObject({ doubt: null, relistAt: null });
    });

    it('is no longer doubted once the scope changes', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      await mailbox.finish({ absence: 'doubted', doubt: DOUBT });
      const { settings } = await mailbox.row();
      const begin = (generation: number, changes: Partial<Scope>) =>
        mailbox.store.beginFullSync({
          mailbox: mailbox.id,
          generation,
          startHistoryId: h(300),
          settings: { ...settings, scope: { ...settings.scope, ...changes } },
          now: mailbox.now,
        });
      await begin(3, {});
      expect(await mailbox.row()).toMatchObject({ doubt: DOUBT });
      await begin(4, { labelIds: [l('INBOX')] });
      expect(await mailbox.row()).toMatchObject({ doubt: null });
    });

    it('does not count a message that came after it as absent before', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.begin(200);
      await mailbox.finish({ absence: 'doubted', doubt: DOUBT });
      const listedBefore = mailbox.now;
      mailbox.now += 1_000;
      await mailbox.save(reading('new', { at: 150 }));
      await mailbox.begin(300);
      expect(await mailbox.suspects('unread', listedBefore)).toMatchObject({ absent: 2, absentBefore: 1 });
    });

    it('suspects no message that changed after the mark, because history reports it', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.begin(200);
      await mailbox.apply([record(201, labelled('a', 'X'))]);
      expect(await mailbox.suspects()).toMatchObject({ absent: 1, messageIds: ['b'] });
    });

    it('trusts labels in another scope only once the history before it is read, but dates always', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { date: 3_000 }), reading('old')]);
      const { settings } = await mailbox.row();
      const suspectsFrom = async (startHistoryId: number, changes: Partial<Scope>): Promise<readonly string[]> => {
        mailbox.generation += 1;
        const other = { ...settings, scope: { ...settings.scope, ...changes } };
        await mailbox.store.beginFullSync({
          mailbox: mailbox.id,
          generation: mailbox.generation,
          startHistoryId: h(startHistoryId),
          settings: other,
          now: mailbox.now,
        });
        return (await mailbox.suspects('unread')).messageIds;
      };
      expect(await suspectsFrom(100, { labelIds: [l('STARRED')] })).toEqual([]);
      expect(await suspectsFrom(200, { labelIds: [l('STARRED')] })).toEqual(['a', 'old']);
      expect(await suspectsFrom(200, { labelIds: [l('STARRED')], after: 2_000 })).toEqual(['a']);
    });

    it('is corrected by a get that shows something else', async () => {
      const mailbox = open();
      await mailbox.sync([
        reading('a', { labels: ['INBOX', 'X'] }),
        reading('b', { labels: ['INBOX'] }),
        reading('c', { labels: ['INBOX'] }),
      ]);
      await mailbox.begin(200);
      await mailbox.list(['a']);
      await mailbox.listLabels({ INBOX: ['a'] });
      const { listed } = await mailbox.store.correctListing({
        mailbox: mailbox.id,
        generation: 2,
        fetched: [{ id: m('a'), labelIds: [l('INBOX'), l('X')] }],
      });
      expect(listed).toEqual(new Map([['a', ['INBOX']]]));
      expect(await mailbox.suspects()).toMatchObject({ absent: 2, relabelled: 0, messageIds: ['b', 'c'] });
      expect(await mailbox.finish({ labels: 'compared' })).toEqual({ gone: 2, relabelled: 0 });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX', 'X'] });
    });

    it('ends with messages as they were whose gets were inconclusive, and reads them again soon', async () => {
      const mailbox = open();
      await mailbox.sync([
        reading('absent', { labels: ['INBOX'] }),
        reading('fewer', { labels: ['INBOX', 'X'] }),
        reading('gone', { labels: ['INBOX'] }),
      ]);
      await mailbox.begin(200);
      await mailbox.list(['fewer']);
      await mailbox.listLabels({ INBOX: ['fewer'] });
      const unanswered = ['absent', 'fewer'].map(m);
      expect(await mailbox.finish({ labels: 'compared', unanswered })).toEqual({ gone: 1, relabelled: 0 });
      expect(await mailbox.labels()).toEqual({ absent: ['INBOX'], fewer: ['INBOX', 'X'] });
      const due = (now: number) => mailbox.store.nextRefresh({ mailbox: mailbox.id, limit: 9, now });
      expect(await due(mailbox.now)).toEqual([]);
      expect((await due(mailbox.now + 3_000)).toSorted()).toEqual(unanswered);
    });

    it('has labels read again that waited for that, where it kept a label that it did not show', async () => {
      const mailbox = open();
      await mailbox.sync(['a', 'b'].map((id) => reading(id, { labels: ['INBOX', 'X'] })));
      await mailbox.store.putOffRefresh({ mailbox: mailbox.id, messageIds: ['a', 'b'].map(m), now: mailbox.now });
      const askedAt = mailbox.now + 3_000;
      mailbox.now = askedAt + 1_000;
      await mailbox.begin(200);
      await mailbox.list(['a', 'b']);
      await mailbox.listLabels({ INBOX: ['b'], X: ['b'] });
      await mailbox.finish({ labels: 'compared', doubtedLabels: [l('X')] });
      expect(await mailbox.refreshes()).toEqual(['a']);
      const answer = reading('a', { labels: ['INBOX'] });
      await mailbox.saveRefreshed([answer], { askedAt });
      expect(await mailbox.labels(), 'asked for before the listing').toEqual({ a: ['X'], b: ['INBOX', 'X'] });
      await mailbox.saveRefreshed([answer]);
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'], b: ['INBOX', 'X'] });
      expect(await mailbox.refreshes()).toEqual([]);
    });

    it("counts what it listed, and what a label's listing shows although the scope's did not", async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b']);
      const page = { mailbox: mailbox.id, generation: 1, progress: await mailbox.progress(), now: mailbox.now };
      const messages = ['b', 'z'].map((id) => ({ id: m(id), threadId: threadId(`t-${id}`) }));
      await mailbox.store.saveLabelListingPage({ ...page, labelId: l('INBOX'), messages, isInScope: true });
      await mailbox.store.saveLabelListingPage({
        ...page,
        labelId: l('SPAM'),
        messages: [{ id: m('spam'), threadId: threadId('spam') }],
        isInScope: false,
      });
      expect(await mailbox.store.countListed({ mailbox: mailbox.id, generation: 1 })).toEqual({
        messages: 3,
        labels: new Map([
          ['INBOX', 2],
          ['SPAM', 1],
        ]),
      });
      expect(await mailbox.pendingIds('backfill')).toContain('z');
    });
  });

  describe('a message that is listed late', () => {
    const open = useMailbox(fixture);

    it('is fetched again if it was deleted before that listing, and left alone if deleted after', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.apply([record(101, deleted('a')), record(150, deleted('b'))]);
      const messages = ['a', 'b'].map((id) => ({ id: m(id), threadId: threadId(`t-${id}`) }));
      expect(
        await mailbox.store.addListedLate({
          mailbox: mailbox.id,
          generation: mailbox.generation,
          messages,
          since: h(120),
          now: mailbox.now,
        }),
      ).toMatchObject({ unknown: 1 });
      expect(await mailbox.pendingIds('live')).toEqual(['a']);
    });
  });
}
