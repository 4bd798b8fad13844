import { describe, expect, it } from 'vitest';

import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import {
  deleted,
  h,
  labelled,
  m,
  reading,
  record,
  unlabelled,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function earlyReadings(fixture: StoreFixture): void {
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

    it('is read again half a minute later, unlike one that was read after those seconds', async () => {
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

    it('is still read again when a record has appeared late before history settles it', async () => {
      const mailbox = await early();
      mailbox.now += 30_000;
      await mailbox.apply([record(103, labelled('a', 'Y'))]);
      await mailbox.apply([record(102, labelled('a', 'X')), record(103, labelled('a', 'Y'))]);
      await mailbox.store.settleEarlyReadings({
        mailbox: mailbox.id,
        records: [],
        settled: [m('a')],
        now: mailbox.now,
      });
      expect(await mailbox.refreshes()).toEqual(['a']);
    });

    it('is settled from the history id of its get, although history has changed the message since', async () => {
      const mailbox = await early();
      await mailbox.apply([record(101, labelled('a', 'Y'))]);
      const [now, id] = [mailbox.now + 20_000, mailbox.id];
      expect(await mailbox.store.listEarlyReadings({ mailbox: id, now, limit: 9 })).toEqual([
        { id: 'a', historyId: '50' },
      ]);
      await mailbox.store.settleEarlyReadings({
        mailbox: id,
        records: [record(99, labelled('a', 'X'))],
        settled: [m('a')],
        now,
      });
      expect(await mailbox.refreshes()).toEqual(['a']);
    });

    it('still waits to be settled when another full sync begins', async () => {
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

    /** A message that is read in the first seconds, and whose attachments are asked for later. */
    const withoutItsAttachments = async () => {
      const mailbox = open();
      await mailbox.put({ ...DEFAULT_SETTINGS, attachments: true });
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.finish();
      await mailbox.save({ ...reading('a', { at: 50 }), attachments: { count: 1, held: false } });
      mailbox.now += 20_000;
      return mailbox;
    };

    it('is read again, too, where Gmail no longer gives its attachments', async () => {
      const mailbox = await withoutItsAttachments();
      await mailbox.failFetch('a', { asOf: 50 });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, lacking: 1 });
      expect(await mailbox.refreshes()).toEqual(['a']);
    });

    it('is settled while it waits for its attachments, by a deletion that the get had missed', async () => {
      const mailbox = await withoutItsAttachments();
      const [now, id] = [mailbox.now + 20_000, mailbox.id];
      expect(await mailbox.store.listEarlyReadings({ mailbox: id, now, limit: 9 })).toEqual([
        { id: 'a', historyId: '50' },
      ]);
      await mailbox.store.settleEarlyReadings({
        mailbox: id,
        records: [record(99, deleted('a'))],
        settled: [m('a')],
        now,
      });
      expect(await mailbox.counts()).toMatchObject({ stored: 0, pending: 0, gone: 1 });
    });

    it('is read again where its attachments come long after the get that named them', async () => {
      const mailbox = await withoutItsAttachments();
      await mailbox.store.saveFetched({
        mailbox: mailbox.id,
        messages: [{ ...reading('a', { at: 50 }), attachments: { count: 1, held: true } }],
        format: 'full',
        readAt: mailbox.now - 20_000,
        now: mailbox.now,
      });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, lacking: 0 });
      expect(await mailbox.refreshes()).toEqual(['a']);
    });
  });
}
