import { UNSEEN } from '../../../src/model/not-found.ts';
import { describe, expect, it } from 'vitest';
import { labelId, messageId, threadId } from '../../../src/model/ids.ts';
import {
  added,
  deleted,
  labelled,
  m,
  reading,
  record,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function work(fixture: StoreFixture): void {
  describe('the work list', () => {
    const open = useMailbox(fixture);

    it('offers live work newest first, and with each message what else is due of its thread', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      const messages = [m('t1'), m('x1')].map((id) => ({ id, threadId: threadId(id === 't1' ? 'thread' : 'other') }));
      await mailbox.store.saveListingPage({
        mailbox: mailbox.id,
        generation: 1,
        messages,
        position: 0,
        progress: await mailbox.progress(),
        now: 1,
      });
      await mailbox.finish();
      await mailbox.save(reading('t2', { thread: 'thread' }), reading('t3', { thread: 'thread', labels: ['TRASH'] }));
      await mailbox.apply([record(101, deleted('t4'))]);
      mailbox.now += 10;
      await mailbox.apply([record(102, { ...added('t5'), threadId: threadId('thread') })]);
      mailbox.now += 10;
      await mailbox.apply([record(103, added('y'))]);
      const pending = await mailbox.pending('live');
      expect(pending).toMatchObject([
        {
          id: 'y',
          threadId: 't-y',
          historyId: '103',
          threadSize: 1,
          state: 'pending',
          attempts: 0,
          lastError: null,
          discoveredAt: 100_020,
        },
        {
          id: 't5',
          threadId: 'thread',
          historyId: '102',
          threadSize: 4,
          state: 'pending',
          attempts: 0,
          lastError: null,
          discoveredAt: 100_010,
        },
        {
          id: 't1',
          threadId: 'thread',
          historyId: null,
          threadSize: 4,
          state: 'pending',
          attempts: 0,
          lastError: null,
          discoveredAt: 1,
        },
      ]);
      expect((await mailbox.pending('live', 1)).map((message) => message.id)).toEqual(['y']);
    });

    it('offers a message again, in its place, once its next attempt is due', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b', 'c', 'd']);
      await mailbox.failFetch('a', { nextAttemptAt: mailbox.now + 500, error: 'Gmail says 500', attempts: 3 });
      await mailbox.failFetch('c', { state: 'pending', nextAttemptAt: mailbox.now + 700 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['b', 'd']);
      expect(await mailbox.counts()).toMatchObject({ failed: 1, pending: 3, backfill: 3, due: 2 });
      const next = () => mailbox.store.nextAttemptAt({ mailbox: mailbox.id, lane: 'backfill', now: mailbox.now });
      expect(await next()).toBe(100_500);
      mailbox.now += 500;
      expect(await mailbox.pendingIds('backfill')).toEqual(['a', 'b', 'd']);
      expect(await mailbox.pending('backfill', 1)).toMatchObject([{ id: 'a', state: 'failed', attempts: 3 }]);
      expect(await next()).toBe(100_700);
      mailbox.now += 200;
      expect(await mailbox.pendingIds('backfill')).toEqual(['a', 'b', 'c', 'd']);
      expect(await next()).toBeNull();
    });

    it('lists failed messages with their last error, next attempt first', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b']);
      await mailbox.failFetch('a', { nextAttemptAt: 300_000, error: 'second' });
      await mailbox.failFetch('b', { nextAttemptAt: 200_000, error: 'first', attempts: 4 });
      expect(await mailbox.store.listFailed(mailbox.id, 1)).toEqual([
        { id: 'b', error: 'first', attempts: 4, nextAttemptAt: 200_000 },
      ]);
      await mailbox.save(reading('a'), reading('b'));
      expect(await mailbox.store.listFailed(mailbox.id, 9)).toEqual([]);
    });

    it('buries what an attempt found to be gone', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.failFetch('a', { state: 'unseen', error: UNSEEN });
      await mailbox.failFetch('a', { state: 'gone', error: UNSEEN });
      expect(await mailbox.counts()).toMatchObject({ gone: 1, pending: 0, due: 0 });
      expect(await mailbox.feed()).toEqual([]);
    });

    it('does not bury what a get has found since the attempt began', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.failFetch('a', { state: 'unseen', error: UNSEEN });
      await mailbox.saveAs('minimal', { ...reading('a'), body: null });
      await mailbox.failFetch('a', { asOf: 10, state: 'gone', error: UNSEEN });
      expect(await mailbox.counts()).toMatchObject({ gone: 0, pending: 1 });
    });

    it('does not change a message when an attempt reports too late', async () => {
      const mailbox = open();
      await mailbox.sync([]);
      await mailbox.apply([record(101, added('a')), record(102, labelled('a', 'X')), record(102, added('b'))]);
      await mailbox.failFetch('a', { asOf: 101, state: 'gone' });
      await mailbox.failFetch('b', { asOf: null, state: 'failed' });
      expect(await mailbox.counts()).toMatchObject({ pending: 2, gone: 0, failed: 0 });
      await mailbox.save(reading('a', { at: 102 }));
      await mailbox.failFetch('a', { asOf: 102, state: 'gone' });
      await mailbox.failFetch('unknown', { state: 'failed' });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, gone: 0, failed: 0 });
    });

    it('counts attempts from the start for another kind of failure, and ignores a late report', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.failFetch('a', { state: 'pending', attempts: 5, error: 'Gmail answers 503', nextAttemptAt: 1 });
      await mailbox.failFetch('a', { state: 'pending', attempts: 2, error: 'Gmail answers 503', nextAttemptAt: 1 });
      expect(await mailbox.pending('backfill')).toMatchObject([{ attempts: 5, lastError: 'Gmail answers 503' }]);
      await mailbox.failFetch('a', { state: 'pending', attempts: 1, error: 'not found', nextAttemptAt: 1 });
      expect(await mailbox.pending('backfill')).toMatchObject([{ attempts: 1, lastError: 'not found' }]);
    });

    it('forgets attempts once a message is stored', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.failFetch('a', { attempts: 5 });
      await mailbox.save(reading('a'));
      expect(await mailbox.counts()).toEqual({
        stored: 1,
        pending: 0,
        failed: 0,
        gone: 0,
        excluded: 0,
        lacking: 0,
        backfill: 0,
        due: 0,
      });
    });
  });

  describe('a mailbox whose messages are all fetched', () => {
    const open = useMailbox(fixture);

    it('has work while a message is to be fetched, now or later', async () => {
      const mailbox = open();
      const { store, id } = mailbox;
      await mailbox.put();
      await mailbox.sync([reading('a'), reading('b')]);
      expect(await store.hasWork(id)).toBe(false);
      await mailbox.apply([record(101, added('c'))]);
      expect(await store.hasWork(id)).toBe(true);
      await mailbox.failFetch('c', { nextAttemptAt: mailbox.now + 86_400_000 });
      expect(await store.hasWork(id)).toBe(true);
      await mailbox.save(reading('c', { at: 101 }));
      expect(await store.hasWork(id)).toBe(false);
    });

    it('has work while labels are to be read again', async () => {
      const mailbox = open();
      const { store, id, now } = mailbox;
      await mailbox.put();
      await mailbox.sync([reading('a')]);
      await store.readAgainWithout({ mailbox: id, labelId: labelId('X'), messageIds: [messageId('a')], now });
      expect(await store.hasWork(id)).toBe(true);
    });
  });
}
