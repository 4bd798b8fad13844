import { describe, expect, it } from 'vitest';
import type { FetchedMessage } from '../../../src/model/change.ts';
import { UNSEEN } from '../../../src/model/not-found.ts';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import { threadId } from '../../../src/model/ids.ts';
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
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function fetching(fixture: StoreFixture): void {
  describe('fetching', () => {
    const open = useMailbox(fixture);

    it('stores a message whose snippet holds a NUL, which not every database can store', async () => {
      const mailbox = open();
      await mailbox.sync([{ ...reading('a', { body: 'a\0b' }), snippet: 'about\0a' }]);
      expect(await mailbox.save({ ...reading('a', { body: 'a\0b' }), snippet: 'about\0a' })).toEqual({
        stored: 0,
        stale: [],
      });
      const message = await mailbox.message('a');
      expect(message?.snippet).toMatch(/^about(\0|\uFFFD)a$/);
      expect(Buffer.from(message?.body ?? []).toString()).toBe('a\0b');
    });

    it('stores a reading as it came, byte for byte', async () => {
      const mailbox = open();
      const body = Uint8Array.from({ length: 5_000 }, (_, index) => (index * index) % 256);
      await mailbox.begin(100);
      await mailbox.list(['a']);
      expect(await mailbox.save({ ...reading('a', { labels: ['UNREAD', 'INBOX'], at: 77, date: 123 }), body })).toEqual(
        { stored: 1, stale: [] },
      );
      expect(await mailbox.messages()).toEqual([
        {
          id: 'a',
          threadId: 't-a',
          labelIds: ['INBOX', 'UNREAD'],
          historyId: '77',
          internalDate: 123,
          sizeEstimate: 100,
          snippet: 'about a',
          format: 'full',
          lacks: null,
          body: Buffer.from(body),
        },
      ]);
      expect(await mailbox.counts()).toMatchObject({ stored: 1, pending: 0, backfill: 0, due: 0 });
    });

    it.for([0, 1, 127, 128, 129, 100_000])('gives back a body of %i bytes', async (size) => {
      const mailbox = open();
      const body = Buffer.alloc(size, 'tidemark ');
      await mailbox.save({ ...reading('a'), body });
      expect(Buffer.from((await mailbox.message('a'))?.body ?? []).equals(body)).toBe(true);
    });

    it('is done with a chat once full stands in for raw, and asks again when the format changes', async () => {
      const mailbox = open();
      await mailbox.put({ ...DEFAULT_SETTINGS, format: 'raw' });
      await mailbox.begin(100);
      await mailbox.list(['a', 'b']);
      await mailbox.finish();
      const save = (lacks: { lacks?: 'raw' }) =>
        mailbox.store.saveFetched({
          mailbox: mailbox.id,
          format: 'full',
          now: mailbox.now,
          messages: [{ ...reading('a', { labels: ['CHAT'] }), ...lacks, attachments: { count: 1, held: false } }],
        });
      expect(await save({})).toMatchObject({ stored: 0 });
      expect(await mailbox.messages()).toEqual([]);
      expect(await save({ lacks: 'raw' })).toMatchObject({ stored: 1 });
      expect(await mailbox.messages()).toMatchObject([
        { id: 'a', format: 'full', lacks: 'raw', body: Buffer.from('body of a') },
      ]);
      expect(await mailbox.counts()).toMatchObject({ stored: 1, lacking: 1, pending: 1, failed: 0 });
      expect(await mailbox.store.listLacking(mailbox.id, 10)).toEqual([
        { id: 'a', lacks: 'raw', error: null, nextAttemptAt: null },
      ]);
      await mailbox.begin(200);
      await mailbox.list(['a', 'b']);
      await mailbox.finish();
      expect((await mailbox.pending('backfill')).map(({ id }) => id)).toEqual(['b']);
      await mailbox.store.beginFullSync({
        mailbox: mailbox.id,
        generation: 3,
        startHistoryId: h(300),
        settings: DEFAULT_SETTINGS,
        now: mailbox.now,
      });
      expect(await mailbox.messages()).toMatchObject([{ id: 'a', lacks: null }]);
    });

    it('retries raw for a message held as full, does not count it as failed, and then holds raw', async () => {
      const mailbox = open();
      await mailbox.put({ ...DEFAULT_SETTINGS, format: 'raw' });
      await mailbox.begin(100);
      await mailbox.list(['a']);
      await mailbox.finish();
      const { store, id, now } = mailbox;
      const save = (format: 'full' | 'raw', fields: Partial<FetchedMessage>) =>
        store.saveFetched({ mailbox: id, format, now, messages: [{ ...reading('a'), ...fields }] });
      await save('full', { lacks: 'raw', attachments: { count: 0, held: true } });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, lacking: 1, pending: 0, failed: 0, backfill: 0 });
      const [lacking] = await store.listLacking(id, 10);
      expect(lacking?.nextAttemptAt).toBeGreaterThan(now);
      await mailbox.failFetch('a', { asOf: 10, state: 'failed', attempts: 1, nextAttemptAt: now + 600_000 });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, failed: 0 });
      expect(await store.nextAttemptAt({ mailbox: id, lane: 'backfill', now })).toBe(now + 600_000);
      expect(await store.retryFailed({ mailbox: id, now })).toBe(1);
      expect(await mailbox.pending('backfill')).toMatchObject([{ id: 'a', standsIn: true, lacking: null }]);
      await save('raw', { body: Buffer.from('raw a') });
      await save('full', { lacks: 'raw', attachments: { count: 0, held: true } });
      expect(await mailbox.message('a')).toMatchObject({ format: 'raw', lacks: null, body: Buffer.from('raw a') });
      expect(await mailbox.pending('backfill')).toEqual([]);
      expect(await mailbox.feed()).toEqual(['stored a', 'stored a']);
    });

    it('fetches a message again after asking for its labels in vain for a minute and a half', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      const { store, id, now } = mailbox;
      const notFound = new Set([m('a')]);
      const putOff = () => store.putOffRefresh({ mailbox: id, messageIds: [m('a'), m('b')], notFound, now });
      for (let times = 0; times < 5; times++) await putOff();
      expect(await mailbox.pending('live'), 'a lagging replica may have answered until now').toEqual([]);
      await putOff();
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'a', attempts: 0 }]);
      await mailbox.failFetch('a', { state: 'unseen', asOf: 10, error: UNSEEN });
      await mailbox.failFetch('a', { state: 'gone', asOf: 10, error: UNSEEN });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, gone: 1, pending: 0 });
    });

    it('starts over with counting answers that a message does not exist when a person retries', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['unseen', 'refused']);
      await mailbox.finish();
      await mailbox.failFetch('unseen', { state: 'unseen', attempts: 2, error: UNSEEN });
      await mailbox.failFetch('refused', { attempts: 7, error: 'Gmail answers 500' });
      expect(await mailbox.store.retryFailed({ mailbox: mailbox.id, now: mailbox.now })).toBe(2);
      const due = await mailbox.pending('backfill');
      expect(new Map(due.map(({ id, attempts, lastError }) => [id, { attempts, lastError }]))).toEqual(
        new Map([
          [m('refused'), { attempts: 7, lastError: 'Gmail answers 500' }],
          [m('unseen'), { attempts: 0, lastError: null }],
        ]),
      );
      await mailbox.failFetch('unseen', { state: 'gone', attempts: 3, error: UNSEEN });
      expect(await mailbox.counts(), 'an attempt from before the retry').toMatchObject({ failed: 2, gone: 0 });
    });

    it('retries in a minute what a wrong clock put off by over a day, and keeps plausible waits', async () => {
      const DAY = 24 * 3_600_000;
      const mailbox = open();
      await mailbox.put();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b', 'c', 'd', 'e']);
      await mailbox.finish({ relistAt: mailbox.now + DAY });
      const { store, id, now } = mailbox;
      await mailbox.failFetch('a', { state: 'pending', nextAttemptAt: now + DAY + 3_000 });
      await mailbox.failFetch('b', { state: 'pending', nextAttemptAt: now + 60_000 });
      await mailbox.failFetch('c', { state: 'failed', attempts: 20, nextAttemptAt: now + 30 * DAY });
      await mailbox.failFetch('d', { state: 'failed', attempts: 20, nextAttemptAt: now + 60 * DAY });
      await mailbox.save(reading('e'));
      await store.putOffRefresh({ mailbox: id, messageIds: [m('e')], now: now + DAY });

      expect(await store.correctTimes({ mailbox: id, now })).toBe(4);
      expect(await store.correctTimes({ mailbox: id, now })).toBe(0);
      expect((await store.getMailbox(id))?.relistAt).toBe(now + 60_000);
      const dueAt = async (at: number) =>
        (await store.nextPending({ mailbox: id, lane: 'backfill', limit: 10, now: at }))
          .map((row) => row.id)
          .toSorted();
      expect(await dueAt(now)).toEqual([]);
      expect(await dueAt(now + 60_000)).toEqual(['a', 'b', 'd']);
      expect(await store.nextAttemptAt({ mailbox: id, lane: 'backfill', now: now + 60_000 })).toBe(now + 30 * DAY);
      expect(await store.nextRefresh({ mailbox: id, limit: 10, now: now + 60_000 })).toEqual(['e']);
    });

    it('forgets failures when the format changes, and only then', async () => {
      const mailbox = open();
      await mailbox.put();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b']);
      await mailbox.finish();
      await mailbox.failFetch('a', { state: 'failed', attempts: 9, nextAttemptAt: mailbox.now + 1_000_000 });
      await mailbox.failFetch('b', { state: 'pending', attempts: 2, nextAttemptAt: mailbox.now + 1_000_000 });
      const begin = (generation: number, settings: typeof DEFAULT_SETTINGS) =>
        mailbox.store.beginFullSync({
          mailbox: mailbox.id,
          generation,
          startHistoryId: h(100 * generation),
          settings,
          now: mailbox.now,
        });
      await begin(2, { ...DEFAULT_SETTINGS, scope: { ...DEFAULT_SETTINGS.scope, after: 1 } });
      expect(await mailbox.pending('backfill')).toEqual([]);
      await begin(3, { ...DEFAULT_SETTINGS, format: 'raw' });
      expect(
        (await mailbox.pending('backfill')).map(({ id, state, attempts, lastError }) => [
          id,
          state,
          attempts,
          lastError,
        ]),
      ).toEqual([
        ['a', 'pending', 0, null],
        ['b', 'pending', 0, null],
      ]);
    });

    it('inserts messages that a thread brought', async () => {
      const mailbox = open();
      expect(await mailbox.save(reading('a'), reading('b', { labels: ['SPAM'] }))).toEqual({ stored: 1, stale: [] });
      expect(await mailbox.counts()).toMatchObject({ stored: 1, excluded: 1 });
      expect(await mailbox.feed()).toEqual(['stored a']);
    });

    it('writes nothing when the same readings come again', async () => {
      const mailbox = open();
      await mailbox.save(reading('a'));
      expect(await mailbox.save(reading('a'))).toEqual({ stored: 0, stale: [] });
      expect(await mailbox.feed()).toEqual(['stored a']);
    });

    it('answers readings older than the row as stale, and keeps the row', async () => {
      const mailbox = open();
      await mailbox.save(reading('a', { at: 50, labels: ['New'] }));
      expect(await mailbox.save(reading('a', { at: 49, labels: ['Old'], body: 'old' }))).toEqual({
        stored: 0,
        stale: ['a'],
      });
      expect(await mailbox.message('a')).toMatchObject({ labelIds: ['New'], body: Buffer.from('body of a') });
    });

    it('compares history ids beyond 2^63 as numbers', async () => {
      const mailbox = open();
      await mailbox.save(reading('a', { at: '9999999999999999999', labels: ['Older'] }));
      await mailbox.save(reading('a', { at: '18446744073709551615', labels: ['Newest'] }));
      expect(await mailbox.save(reading('a', { at: '10000000000000000000', labels: ['Between'] }))).toMatchObject({
        stale: ['a'],
      });
      expect(await mailbox.message('a')).toMatchObject({ labelIds: ['Newest'], historyId: '18446744073709551615' });
    });

    it('waits for a reading at least as new as the record that announced the message', async () => {
      const mailbox = open();
      await mailbox.sync([]);
      await mailbox.apply([record(101, added('a'))]);
      expect(await mailbox.save(reading('a', { at: 100 }))).toEqual({ stored: 0, stale: ['a'] });
      expect(await mailbox.pendingIds('live')).toEqual(['a']);
      expect(await mailbox.save(reading('a', { at: 101 }))).toEqual({ stored: 1, stale: [] });
    });

    it('lets a tombstone win over a reading of the same or an older history id, silently', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, deleted('a'))]);
      expect(await mailbox.save(reading('a', { at: 101 }), reading('a', { at: 10 }))).toEqual({ stored: 0, stale: [] });
      expect(await mailbox.counts()).toMatchObject({ gone: 1, stored: 0 });
      expect(await mailbox.save(reading('a', { at: 102 }))).toEqual({ stored: 1, stale: [] });
      expect(await mailbox.feed()).toEqual(['stored a', 'gone a', 'stored a']);
    });

    it('excludes messages by label and by age, and keeps their bodies in case they come back', async () => {
      const mailbox = open();
      await mailbox.put(scope({ labelIds: [l('Work')], after: 500 }));
      await mailbox.sync([
        reading('a', { labels: ['Work'], date: 499 }),
        reading('b', { labels: ['Home'] }),
        reading('c', { labels: ['Work'], date: 500 }),
        reading('d', { labels: ['Work'], date: null }),
      ]);
      expect(Object.keys(await mailbox.labels())).toEqual(['c', 'd']);
      await mailbox.apply([record(101, labelled('b', 'Work'))]);
      expect(Buffer.from((await mailbox.message('b'))?.body ?? []).toString()).toBe('body of b');
      expect(await mailbox.counts()).toMatchObject({ stored: 3, excluded: 1, pending: 0 });
    });

    it('takes labels, not a body, from a minimal reading', async () => {
      const mailbox = open();
      await mailbox.save(reading('a'));
      await mailbox.saveAs(
        'minimal',
        reading('a', { at: 20, labels: ['Filed'], body: null }),
        reading('b', { at: 20, body: null }),
      );
      expect(await mailbox.message('a')).toMatchObject({
        labelIds: ['Filed'],
        body: Buffer.from('body of a'),
        format: 'full',
      });
      expect(await mailbox.pendingIds('live')).toEqual(['b']);
    });

    it('mirrors without bodies when the format is minimal', async () => {
      const mailbox = open();
      await mailbox.put({ ...DEFAULT_SETTINGS, format: 'minimal' });
      await mailbox.begin(100);
      await mailbox.list(['a']);
      expect(await mailbox.saveAs('minimal', reading('a', { body: null }))).toEqual({ stored: 1, stale: [] });
      expect(await mailbox.message('a')).toMatchObject({ format: 'minimal', body: null });
    });

    it('follows a message into another thread', async () => {
      const mailbox = open();
      await mailbox.save(reading('a'));
      await mailbox.save(reading('a', { at: 20, thread: 'merged' }));
      expect(await mailbox.message('a')).toMatchObject({ threadId: 'merged' });
    });

    it('keeps a size when a later answer brings an impossible one, and does not ask for it again', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.save({ ...reading('a', { at: 20 }), sizeEstimate: 0, leftOut: 'sizeEstimate is no size' });
      expect(await mailbox.message('a')).toMatchObject({ historyId: '20', sizeEstimate: 100 });
      expect(await mailbox.refreshes()).toEqual([]);
    });

    it('asks again in ten minutes for a first value that was left out, after any number of vain gets', async () => {
      const mailbox = open();
      await mailbox.sync([]);
      await mailbox.apply([record(101, added('spam', ['SPAM'])), record(102, added('junk', ['SPAM']))]);
      const { store, id } = mailbox;
      const messageIds = ['spam', 'junk'].map(m);
      for (let times = 0; times < 5; times++) await store.putOffRefresh({ mailbox: id, messageIds, now: mailbox.now });
      const odd = (message: string) =>
        ({
          ...reading(message, { at: 103, labels: ['SPAM'], date: null }),
          leftOut: 'internalDate is no date',
        }) as const;
      const due = (minutes: number) =>
        store.nextRefresh({ mailbox: id, limit: 9, now: mailbox.now + minutes * 60_000 });
      await mailbox.saveRefreshed([odd('junk')]);
      mailbox.now += 60_000;
      await mailbox.saveRefreshed([odd('spam')]);
      expect(await due(8)).toEqual([]);
      expect(await due(10)).toEqual(['junk', 'spam']);
      mailbox.now += 10 * 60_000;
      await mailbox.saveRefreshed([odd('junk'), odd('spam')]);
      expect(await due(5 * 60), 'more rarely').toEqual([]);
      expect(await due(6 * 60)).toHaveLength(2);
    });

    it('reads the labels again of a message that is listed late although older ones put it out of scope', async () => {
      const mailbox = open();
      await mailbox.put();
      await mailbox.begin(200);
      await mailbox.list([]);
      await mailbox.finish();
      await mailbox.apply([record(201, added('junk', ['SPAM'])), record(301, added('new junk', ['SPAM']))]);
      const messages = ['junk', 'new junk'].map((id) => ({ id: m(id), threadId: threadId(`t-${id}`) }));
      await mailbox.store.addListedLate({
        mailbox: mailbox.id,
        generation: mailbox.generation,
        messages,
        since: h(300),
        now: mailbox.now,
      });
      expect(await mailbox.refreshes()).toEqual(['junk']);
    });

    it('adds nothing that a relisting of an earlier generation shows', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      const { store, id: key, generation, now } = mailbox;
      const messages = [{ id: m('late'), threadId: threadId('t-late') }];
      const request = { mailbox: key, generation: generation - 1, messages, since: null, now };
      expect(await store.addListedLate(request)).toEqual({ unknown: 0 });
      expect(await mailbox.pendingIds('live')).toEqual([]);
    });

    it('adds messages that were listed late to the live lane, once', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, deleted('gone'))]);
      const messages = ['a', 'late', 'gone', 'late'].map((id) => ({ id: m(id), threadId: threadId(`t-${id}`) }));
      const add = () =>
        mailbox.store.addListedLate({
          mailbox: mailbox.id,
          generation: mailbox.generation,
          messages,
          since: null,
          now: mailbox.now,
        });
      expect(await add()).toMatchObject({ unknown: 1 });
      expect(await add()).toMatchObject({ unknown: 0 });
      expect(await mailbox.pending('live')).toMatchObject([{ id: 'late', historyId: null }]);
      expect((await mailbox.row()).historyId).toBe(h(101));
    });
  });
}
