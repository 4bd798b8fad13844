import { describe, expect, it } from 'vitest';
import type { FetchedMessage } from '../../../src/model/change.ts';
import { UNSEEN } from '../../../src/model/not-found.ts';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import { m, reading, useMailbox, type StoreFixture, type TestMailbox } from '../../fixtures/store/tested-store.ts';
import type { ReadingFields } from '../../fixtures/store/contract-messages.ts';

const WITH = { ...DEFAULT_SETTINGS, attachments: true };

/** A FULL reading of a message with attachments, which the body holds or lacks. */
const withAttachments = (id: string, held: boolean, fields: ReadingFields = {}): FetchedMessage => ({
  ...reading(id, fields),
  attachments: { count: 2, held },
});

/** Changes the settings, then lists and compares these ids in a new generation. */
async function listAnew(
  mailbox: TestMailbox,
  settings: typeof WITH,
  ids: readonly string[],
  startHistoryId: number,
): Promise<void> {
  await mailbox.put(settings);
  await mailbox.begin(startHistoryId);
  await mailbox.list(ids);
  await mailbox.listLabels({ INBOX: ids });
  await mailbox.finish({ labels: 'compared' });
}

export function attachments(fixture: StoreFixture): void {
  describe('attachments', () => {
    const open = useMailbox(fixture);

    it('keep a message pending until its body holds them; the body read so far is kept', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      const request = { mailbox: mailbox.id, format: 'full', now: mailbox.now } as const;
      expect(await mailbox.store.saveFetched({ ...request, messages: [withAttachments('a', false)] })).toEqual({
        stored: 0,
        stale: [],
        lacking: ['a'],
      });
      expect(await mailbox.messages()).toEqual([]);
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'a', lacking: 2, sizeEstimate: 100, attempts: 0 }]);
      expect(await mailbox.store.heldBody({ mailbox: mailbox.id, messageId: m('a') })).toEqual(
        Buffer.from('body of a'),
      );
      expect(
        await mailbox.store.saveFetched({ ...request, messages: [withAttachments('a', true, { body: 'whole' })] }),
      ).toEqual({ stored: 1, stale: [], lacking: [] });
      expect(await mailbox.message('a')).toMatchObject({ body: Buffer.from('whole') });
      expect(await mailbox.feed()).toEqual(['stored a']);
    });

    it('are not asked for where the message is out of scope', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      const { lacking } = await mailbox.store.saveFetched({
        mailbox: mailbox.id,
        format: 'full',
        now: mailbox.now,
        messages: [withAttachments('a', false, { labels: ['SPAM'] })],
      });
      expect(lacking).toEqual([]);
      expect(await mailbox.counts()).toMatchObject({ excluded: 1, pending: 0 });
    });

    it('are no reason to wait where the settings do not ask for them', async () => {
      const mailbox = open();
      await mailbox.save(withAttachments('a', false));
      expect(await mailbox.counts()).toMatchObject({ stored: 1, pending: 0 });
    });

    it('that are held are not replaced by a newer reading without them', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', true, { body: 'whole' }));
      await mailbox.save(withAttachments('a', false, { at: 20, labels: ['Filed'], body: 'lacking' }));
      expect(await mailbox.message('a')).toMatchObject({ labelIds: ['Filed'], body: Buffer.from('whole') });
    });

    it('make exactly the messages that lack some pending when the settings begin to ask for them', async () => {
      const mailbox = open();
      await mailbox.sync([
        withAttachments('lacks', false),
        withAttachments('holds', true),
        { ...reading('plain'), attachments: { count: 0, held: true } },
      ]);
      await listAnew(mailbox, WITH, ['lacks', 'holds', 'plain'], 200);
      expect(await mailbox.pending('backfill')).toMatchObject([{ id: 'lacks', lacking: 2 }]);
      expect((await mailbox.messages()).map(({ id }) => id)).toEqual(['holds', 'plain']);
    });

    it('that are no longer asked for leave nothing to fetch', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.begin(100);
      await mailbox.list(['a', 'failed']);
      await mailbox.finish();
      await mailbox.save(withAttachments('a', false), withAttachments('failed', false));
      await mailbox.failFetch('failed', { asOf: 10 });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, lacking: 1, pending: 1, failed: 0 });
      await listAnew(mailbox, DEFAULT_SETTINGS, ['a', 'failed'], 200);
      expect(await mailbox.counts()).toMatchObject({ stored: 2, pending: 0, failed: 0 });
      expect(await mailbox.store.nextAttemptAt({ mailbox: mailbox.id, lane: 'backfill', now: mailbox.now })).toBeNull();
    });

    it('that Gmail does not give leave the message readable and lacking, and are retried until they come', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', false));
      await mailbox.failFetch('a', { asOf: 10, nextAttemptAt: mailbox.now + 1_000 });
      expect(await mailbox.messages()).toMatchObject([{ id: 'a', lacks: 'attachments' }]);
      expect(await mailbox.pending('live')).toEqual([]);
      mailbox.now += 2_000;
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'a', lacking: 2, attempts: 1 }]);
      // Some of them come; later attempts bring no more, and a thread brings the message without them.
      await mailbox.save({
        ...withAttachments('a', false, { body: 'some' }),
        attachments: { count: 2, held: false, brought: 1 },
      });
      await mailbox.failFetch('a', { asOf: 10, attempts: 2, state: 'pending', nextAttemptAt: mailbox.now + 1_000 });
      await mailbox.save(withAttachments('a', false));
      expect(await mailbox.messages()).toMatchObject([{ id: 'a', lacks: 'attachments', body: Buffer.from('some') }]);
      expect(await mailbox.counts()).toMatchObject({ stored: 1, lacking: 1, due: 0 });
      await mailbox.save(withAttachments('a', true, { body: 'all' }));
      expect(await mailbox.messages()).toMatchObject([{ id: 'a', lacks: null, body: Buffer.from('all') }]);
      expect(await mailbox.store.nextAttemptAt({ mailbox: mailbox.id, lane: 'live', now: mailbox.now })).toBeNull();
      // Once when it could be read, once when it was whole.
      expect(await mailbox.feed()).toEqual(['stored a', 'stored a']);
    });

    it('are asked for in vain once their message is gone, which the attempt then says', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', false));
      await mailbox.failFetch('a', { asOf: 10 });
      await mailbox.failFetch('a', { asOf: 10, state: 'unseen', error: UNSEEN });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, gone: 0 });
      await mailbox.failFetch('a', { asOf: 10, state: 'gone', error: UNSEEN });
      expect(await mailbox.counts()).toMatchObject({ stored: 0, lacking: 0, gone: 1 });
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a']);
    });

    it('are fetched at once with their message, if it had failed by 404s and a get finds it', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', false));
      await mailbox.failFetch('a', { asOf: 10, state: 'unseen', error: UNSEEN, nextAttemptAt: mailbox.now + 300_000 });
      await mailbox.saveAs('minimal', { ...reading('a'), body: null });
      expect(await mailbox.counts()).toMatchObject({ failed: 0, pending: 1 });
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'a', attempts: 0, lastError: null }]);
    });

    it('leave their message as it is when a get has found it since it seemed gone', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', false));
      await mailbox.failFetch('a', { asOf: 10 });
      await mailbox.failFetch('a', { asOf: 10, state: 'unseen', attempts: 2, error: UNSEEN });
      await mailbox.saveAs('minimal', { ...reading('a'), body: null });
      await mailbox.failFetch('a', { asOf: 10, state: 'gone', error: UNSEEN });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, gone: 0 });
      mailbox.now += 2_000;
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'a', attempts: 0, lastError: null }]);
    });

    it('leave a message unread that neither its get nor its thread shows', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', false));
      await mailbox.failFetch('a', { asOf: 10, state: 'unseen' });
      expect(await mailbox.counts()).toMatchObject({ stored: 0, failed: 1 });
      expect(await mailbox.feed()).toEqual([]);
    });

    it('are asked for as soon as the labels, if these could not be read', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', false));
      await mailbox.failFetch('a', { asOf: 10, attempts: 2, nextAttemptAt: mailbox.now + 86_400_000 });
      const { store, id, now } = mailbox;
      await store.putOffRefresh({ mailbox: id, messageIds: [m('a')], now });
      expect(await store.nextAttemptAt({ mailbox: id, lane: 'live', now })).toBe(now + 12_000);
      mailbox.now += 12_000;
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'a', attempts: 2 }]);
    });

    it('are asked for no sooner because the labels could not be read, while 404s are counted', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', false));
      await mailbox.failFetch('a', { asOf: 10 });
      await mailbox.failFetch('a', { asOf: 10, state: 'unseen', error: UNSEEN, nextAttemptAt: mailbox.now + 300_000 });
      const { store, id, now } = mailbox;
      await store.putOffRefresh({ mailbox: id, messageIds: [m('a')], now });
      expect(await store.nextAttemptAt({ mailbox: id, lane: 'live', now })).toBe(now + 300_000);
      expect(await store.nextRefresh({ mailbox: id, limit: 10, now: now + 299_999 })).toEqual([]);
      expect(await store.nextRefresh({ mailbox: id, limit: 10, now: now + 300_000 })).toEqual(['a']);
    });

    it('that are overdue put off the labels for minutes, since their lane may have to wait', async () => {
      const mailbox = open();
      await mailbox.put(WITH);
      await mailbox.save(withAttachments('a', false));
      await mailbox.failFetch('a', { asOf: 10 });
      await mailbox.failFetch('a', { asOf: 10, state: 'unseen', error: UNSEEN });
      mailbox.now += 60_000;
      const { store, id, now } = mailbox;
      await store.putOffRefresh({ mailbox: id, messageIds: [m('a')], now });
      expect(await store.nextRefresh({ mailbox: id, limit: 10, now: now + 299_999 })).toEqual([]);
      expect(await store.nextRefresh({ mailbox: id, limit: 10, now: now + 300_000 })).toEqual(['a']);
    });

    it('are forgotten once the body of a deleted message is dropped', async () => {
      const mailbox = open();
      await mailbox.sync([withAttachments('a', false)]);
      await listAnew(mailbox, DEFAULT_SETTINGS, [], 200);
      await mailbox.put(WITH);
      await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 0 });
      expect(await mailbox.store.heldBody({ mailbox: mailbox.id, messageId: m('a') })).toBeNull();
      await mailbox.begin(300);
      await mailbox.list(['a']);
      expect(await mailbox.pending('backfill')).toMatchObject([{ id: 'a', lacking: null }]);
    });
  });
}
