import { describe, expect, it } from 'vitest';
import { threadId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS, type Scope } from '../../../src/model/settings.ts';
import {
  deleted,
  h,
  l,
  labelled,
  m,
  openMailbox,
  reading,
  record,
  unlabelled,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

const HOUR = 60 * 60_000;
const DOUBT = { since: 1, checkedAt: 2, checks: 1, uncounted: 0, absent: 1, relabelled: 0 };

export function doubt(fixture: StoreFixture): void {
  describe('a listing that is doubted', () => {
    const open = useMailbox(fixture);

    it('removes no message and no doubted label, and the doubt stays until a listing ends without one', async () => {
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

    it('says nothing of another scope', async () => {
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

    it('does not call absent before what came after it', async () => {
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

    it('leaves out what changed since the mark, since history reports it', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.begin(200);
      await mailbox.apply([record(201, labelled('a', 'X'))]);
      expect(await mailbox.suspects()).toMatchObject({ absent: 1, messageIds: ['b'] });
    });

    it('believes, in another scope, no labels while history from before it is unread, but dates always', async () => {
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

    it('follows a get where the listings showed something else', async () => {
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
        unanswered: [m('b')],
      });
      expect(listed).toEqual(new Map([['a', ['INBOX']]]));
      expect(await mailbox.suspects()).toMatchObject({ absent: 1, relabelled: 0, messageIds: ['c'] });
      expect(await mailbox.finish({ labels: 'compared' })).toEqual({ gone: 1, relabelled: 0 });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX', 'X'], b: ['INBOX'] });
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

    it('is fetched again where it was called gone before, and left where it was deleted since', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.apply([record(101, deleted('a')), record(150, deleted('b'))]);
      const messages = ['a', 'b'].map((id) => ({ id: m(id), threadId: threadId(`t-${id}`) }));
      expect(
        await mailbox.store.addListedLate({ mailbox: mailbox.id, messages, since: h(120), now: mailbox.now }),
      ).toEqual({ unknown: 1 });
      expect(await mailbox.pendingIds('live')).toEqual(['a']);
    });
  });

  describe('a label that is gone', () => {
    const open = useMailbox(fixture);

    it('goes from every message and from the names, with an entry in the feed for each', async () => {
      const mailbox = open();
      await mailbox.store.saveLabels({
        mailbox: mailbox.id,
        labels: [{ id: l('L_1'), name: 'Work', type: 'user' }],
        now: 1,
      });
      await mailbox.sync([reading('a', { labels: ['INBOX', 'L_1'] }), reading('b', { labels: ['LX1'] })]);
      expect(await mailbox.store.heldLabelIds(mailbox.id)).toEqual(['INBOX', 'LX1', 'L_1']);
      expect(await mailbox.store.removeLabel({ mailbox: mailbox.id, labelId: l('L_1'), now: mailbox.now })).toEqual({
        relabelled: 1,
      });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'], b: ['LX1'] });
      expect(await mailbox.feed(2)).toEqual(['labels a']);
      expect(await mailbox.store.getLabels(mailbox.id)).toEqual([]);
    });

    it('is asked for again in time, and at once where a wrong clock has put that off by a day', async () => {
      const DAY = 24 * 3_600_000;
      const mailbox = open();
      await mailbox.put();
      const { store, id: box, now } = mailbox;
      const unlisted = async (at: number) => (await store.saveLabels({ mailbox: box, labels: [], now: at })).unlisted;
      await store.saveLabels({ mailbox: box, labels: [{ id: l('L_1'), name: 'Work', type: 'user' }], now });
      expect(await unlisted(now)).toEqual(['L_1']);
      await store.keepLabel({ mailbox: box, labelId: l('L_1'), now });
      expect(await unlisted(now + 59_000)).toEqual([]);
      expect(await unlisted(now + 60_000)).toEqual(['L_1']);
      await store.keepLabel({ mailbox: box, labelId: l('L_1'), now: now + DAY });
      expect(await unlisted(now + 61_000)).toEqual(['L_1']);
    });

    it('is asked about for two days more, and goes again from what has got it since', async () => {
      const DAY = 24 * 3_600_000;
      const mailbox = open();
      const { store, id: box } = mailbox;
      const inbox = { id: l('INBOX'), name: 'INBOX', type: 'system' } as const;
      await mailbox.sync([reading('a', { labels: ['INBOX'] })]);
      const remove = () => store.removeLabel({ mailbox: box, labelId: l('L_1'), now: mailbox.now });
      const unlisted = async () =>
        (await store.saveLabels({ mailbox: box, labels: [inbox], now: mailbox.now })).unlisted;
      expect(await remove()).toEqual({ relabelled: 0 });
      await mailbox.apply([record(101, labelled('a', 'L_1'))]);
      expect(await unlisted()).toEqual([]);
      mailbox.now += 60_000;
      expect(await unlisted()).toEqual(['L_1']);
      expect((await store.saveLabels({ mailbox: box, labels: [inbox], now: mailbox.now })).passedOver).toEqual(['L_1']);
      expect(await remove()).toEqual({ relabelled: 1 });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
      expect(await store.getLabels(box)).toEqual([inbox]);
      mailbox.now += 3 * DAY;
      expect(await unlisted()).toEqual(['L_1']);
      await remove();
      mailbox.now += 3 * DAY;
      expect(await unlisted()).toEqual([]);
    });

    it('that is named again is there, and is listed as one that is named for the first time', async () => {
      const mailbox = open();
      await mailbox.put();
      const { store, id: box, now } = mailbox;
      const label = { id: l('L_1'), name: 'Work', type: 'user' } as const;
      await store.saveLabels({ mailbox: box, labels: [label], now });
      await store.removeLabel({ mailbox: box, labelId: label.id, now });
      expect((await store.saveLabels({ mailbox: box, labels: [label], now })).unlisted).toEqual([]);
      expect(await store.getLabels(box)).toEqual([label]);
      expect((await store.saveLabels({ mailbox: box, labels: [label], now: now + 2 * 60_000 })).fresh).toEqual(['L_1']);
    });

    it('is asked about as well when a message got it and labels.list has never named it', async () => {
      const mailbox = open();
      const { store, id: box } = mailbox;
      const inbox = { id: l('INBOX'), name: 'INBOX', type: 'system' } as const;
      const save = () => store.saveLabels({ mailbox: box, labels: [inbox], now: mailbox.now });
      await mailbox.put();
      await save();
      await mailbox.sync([reading('a', { labels: ['INBOX'] })]);
      await mailbox.apply([record(101, labelled('a', 'L_1'))]);
      expect(await save()).toMatchObject({ unlisted: ['L_1'], passedOver: ['L_1'] });
      expect(await store.getLabels(box)).toEqual([inbox]);
      await store.removeLabel({ mailbox: box, labelId: l('L_1'), now: mailbox.now });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
    });

    it('that a message got first is listed once labels.list names it', async () => {
      const mailbox = open();
      const { store, id: box } = mailbox;
      await mailbox.sync([reading('a', { labels: ['INBOX', 'L_1'] })]);
      const label = { id: l('L_1'), name: 'Work', type: 'user' } as const;
      const save = () => store.saveLabels({ mailbox: box, labels: [label], now: mailbox.now });
      await save();
      expect(await store.getLabels(box)).toEqual([label]);
      mailbox.now += 2 * 60_000;
      expect((await save()).fresh).toEqual(['L_1']);
    });

    it('puts no message out of a scope that is being listed, since its other labels may be stale', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['Work'] }), reading('b', { labels: ['Work'] })]);
      const { settings } = await mailbox.row();
      mailbox.generation += 1;
      const narrower = { ...settings, scope: { ...settings.scope, labelIds: [l('STARRED')] } };
      await mailbox.store.beginFullSync({
        mailbox: mailbox.id,
        generation: mailbox.generation,
        startHistoryId: h(200),
        settings: narrower,
        now: mailbox.now,
      });
      await mailbox.list(['a']);
      await mailbox.listLabels({ STARRED: ['a'] });
      await mailbox.store.removeLabel({ mailbox: mailbox.id, labelId: l('Work'), now: mailbox.now });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.labels()).toEqual({ a: ['STARRED'] });
      expect(await mailbox.feed(2)).toEqual(['labels a', 'labels b', 'labels a', 'gone b']);
    });

    it('takes messages out of a scope that names it, bodies kept', async () => {
      const mailbox = await openMailbox(fixture, {
        ...DEFAULT_SETTINGS,
        scope: { ...DEFAULT_SETTINGS.scope, labelIds: [l('Work')] },
      });
      await mailbox.sync([reading('a', { labels: ['Work'] })]);
      await mailbox.store.removeLabel({ mailbox: mailbox.id, labelId: l('Work'), now: mailbox.now });
      expect(await mailbox.counts()).toMatchObject({ stored: 0, excluded: 1 });
      expect(await mailbox.store.heldBody({ mailbox: mailbox.id, messageId: m('a') })).not.toBeNull();
      await mailbox.store.close();
    });
  });

  describe('the body of a message that looks deleted', () => {
    const open = useMailbox(fixture);

    it('stays for a while, and spares a fetch when a listing shows the message again', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['INBOX'] })]);
      await mailbox.begin(200);
      await mailbox.finish();
      expect(await mailbox.counts()).toMatchObject({ gone: 1 });
      expect(await mailbox.store.dropBuriedBodies({ now: mailbox.now + HOUR, grace: 2 * HOUR })).toBe(0);
      expect(await mailbox.store.heldBody({ mailbox: mailbox.id, messageId: m('a') })).not.toBeNull();
      await mailbox.begin(300);
      await mailbox.list(['a']);
      await mailbox.listLabels({ INBOX: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, pending: 0, gone: 0 });
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a', 'stored a']);
      expect(await mailbox.store.dropBuriedBodies({ now: mailbox.now + 9 * HOUR, grace: 0 })).toBe(0);
      expect(await mailbox.message('a')).not.toBeNull();
    });

    it('is dropped after that, once', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.apply([record(101, deleted('a'))]);
      const later = { now: mailbox.now + 2 * HOUR, grace: HOUR };
      expect(await mailbox.store.dropBuriedBodies(later)).toBe(1);
      expect(await mailbox.store.dropBuriedBodies(later)).toBe(0);
      expect(await mailbox.store.heldBody({ mailbox: mailbox.id, messageId: m('a') })).toBeNull();
      expect(await mailbox.counts()).toMatchObject({ stored: 1, gone: 1 });
    });
  });

  describe('a message that was read in the first seconds of a first full sync', () => {
    const open = useMailbox(fixture);
    const early = async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b']);
      await mailbox.finish();
      await mailbox.save(reading('a', { at: 50, labels: ['INBOX'] }));
      mailbox.now += 10_000;
      await mailbox.save(reading('b', { at: 60 }));
      return mailbox;
    };

    it('is read again half a minute later; one that was read afterwards is not', async () => {
      const mailbox = await early();
      expect(await mailbox.refreshes()).toEqual(['a']);
      expect(await mailbox.store.listEarlyReadings({ mailbox: mailbox.id, now: mailbox.now, limit: 9 })).toEqual([]);
      expect(
        await mailbox.store.listEarlyReadings({ mailbox: mailbox.id, now: mailbox.now + 20_000, limit: 9 }),
      ).toEqual([{ id: 'a', historyId: '50' }]);
    });

    it('is settled by history from before the mark, without a get', async () => {
      const mailbox = await early();
      await mailbox.store.settleEarlyReadings({
        mailbox: mailbox.id,
        records: [record(99, labelled('a', 'X'), unlabelled('a', 'INBOX'))],
        settled: [m('a')],
        now: mailbox.now,
      });
      expect((await mailbox.labels())['a']).toEqual(['X']);
      expect(await mailbox.refreshes()).toEqual([]);
      expect(await mailbox.row()).toMatchObject({ historyId: h(100) });
    });

    it('is settled in the same way where another full sync begins before that', async () => {
      const mailbox = await early();
      await mailbox.store.beginFullSync({
        mailbox: mailbox.id,
        generation: 2,
        startHistoryId: h(110),
        now: mailbox.now + 1_000,
      });
      expect(
        await mailbox.store.listEarlyReadings({ mailbox: mailbox.id, now: mailbox.now + 20_000, limit: 9 }),
      ).toEqual([{ id: 'a', historyId: '50' }]);
    });

    it('is still read again where history changed it after the mark as well', async () => {
      const mailbox = await early();
      await mailbox.apply([record(101, labelled('a', 'Y'))]);
      await mailbox.store.settleEarlyReadings({
        mailbox: mailbox.id,
        records: [record(99, labelled('a', 'X'))],
        settled: [m('a')],
        now: mailbox.now,
      });
      expect(await mailbox.refreshes()).toEqual(['a']);
    });
  });
}
