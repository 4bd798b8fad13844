import { describe, expect, it } from 'vitest';
import { historyId, messageId, threadId } from '../../../src/model/ids.ts';
import { UNSEEN } from '../../../src/model/not-found.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../../../src/model/settings.ts';
import type { FinishListingRequest } from '../../../src/store/listing/listing-store.ts';
import type { FullSyncProgress } from '../../../src/store/rows/mailbox-row.ts';
import {
  added,
  deleted,
  h,
  labelled,
  reading,
  record,
  scope,
  unlabelled,
  useMailbox,
  type StoreFixture,
  type TestMailbox,
} from '../../fixtures/store/tested-store.ts';

export function limit(fixture: StoreFixture): void {
  describe('a scope with a limit', () => {
    const open = useMailbox(fixture);

    /** `n1` is the newest message; the higher the number, the older the message. */
    const dated = (number: number, at = 10) => reading(`n${number}`, { date: 10_000 - number * 100, at });
    const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `n${from + index}`);

    async function finishBackfill(mailbox: TestMailbox): Promise<void> {
      const progress = await mailbox.progress();
      const { generation } = progress;
      const done: FullSyncProgress = { ...progress, step: 'done', finishedAt: mailbox.now };
      await mailbox.store.saveProgress({ mailbox: mailbox.id, generation, progress: done });
    }

    /** Begins a full sync with another limit. */
    async function beginWithLimit(mailbox: TestMailbox, newest: number): Promise<void> {
      const settings: MailboxSettings = { ...DEFAULT_SETTINGS, ...scope({ limit: newest }) };
      mailbox.generation += 1;
      const { id, generation, now } = mailbox;
      await mailbox.store.beginFullSync({ mailbox: id, generation, startHistoryId: h(200), settings, now });
    }

    /** A first listing shows the newest `listed` messages in a scope with a limit of three. */
    async function listNewest(
      mailbox: TestMailbox,
      listed: number,
      ended: Partial<FinishListingRequest> = {},
    ): Promise<void> {
      await mailbox.put(scope({ limit: 3 }));
      await mailbox.begin(100);
      await mailbox.list(ids(1, listed));
      await mailbox.finish({ keepNewest: 3, ...ended });
    }

    /** As {@link listNewest}; then the messages within the limit are read. */
    async function listAndReadNewest(mailbox: TestMailbox, listed: number, ended: { relistAt?: number } = {}) {
      await listNewest(mailbox, listed, ended);
      await mailbox.save(...[1, 2, 3].slice(0, listed).map((number) => dated(number)));
      await finishBackfill(mailbox);
    }

    /** @param known - `limitedTo` where the listing knows the limit's date at its end */
    const newestThree = (mailbox: TestMailbox, known: Partial<FinishListingRequest> = {}): Promise<void> =>
      listNewest(mailbox, 6, known);

    const newestThreeRead = (mailbox: TestMailbox): Promise<void> => listAndReadNewest(mailbox, 6);

    it('keeps the newest of the first listing and forgets the others', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      expect(await mailbox.pendingIds('backfill')).toEqual(['n1', 'n2', 'n3']);
      expect(await mailbox.counts()).toMatchObject({ pending: 3, gone: 0 });
    });

    it('goes by the order of the first pass when the listing is repeated', async () => {
      const mailbox = open();
      await mailbox.put(scope({ limit: 3 }));
      await mailbox.begin(100);
      await mailbox.list(ids(1, 6));
      await mailbox.list(ids(1, 6).toReversed());
      await mailbox.finish({ keepNewest: 3 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['n1', 'n2', 'n3']);
    });

    it('keeps a message out that an earlier listing left out, and that is listed beyond the limit again', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, labelled('n5', 'STARRED'))]);
      await mailbox.save(dated(5, 101));
      await mailbox.begin(200);
      await mailbox.list(ids(1, 6));
      await mailbox.listLabels({ INBOX: ids(1, 6) });
      await mailbox.finish({ labels: 'compared', keepNewest: 3 });
      expect(await mailbox.feed()).toEqual(['stored n1', 'stored n2', 'stored n3']);
      expect(await mailbox.pendingIds('backfill')).toEqual([]);
    });

    it('lets in what arrives later, and in a resync everything down to the last message known', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, added('late'))]);
      await mailbox.save(reading('late', { at: 101, date: 20_000 }));
      await mailbox.begin(200);
      await mailbox.list(['missed', 'late', ...ids(1, 6)]);
      await mailbox.finish({ keepNewest: 3 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['missed']);
      expect(Object.keys(await mailbox.labels())).toEqual(['late', 'n1', 'n2', 'n3']);
    });

    it('lets in what arrives later with an older date, as imports do, without lifting the limit', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      await mailbox.save(dated(1), dated(2), dated(3));
      await mailbox.apply([record(101, added('early')), record(102, labelled('n5', 'STARRED'))]);
      await mailbox.save(reading('early', { at: 101, date: 1 }), dated(5, 102));
      await finishBackfill(mailbox);
      expect(Object.keys(await mailbox.labels())).toEqual(['early', 'n1', 'n2', 'n3']);
      await mailbox.apply([record(103, added('earliest'))]);
      await mailbox.save(reading('earliest', { at: 103, date: 0 }));
      await mailbox.begin(200);
      await mailbox.list([...ids(1, 6), 'early', 'earliest']);
      await mailbox.finish({ keepNewest: 3 });
      expect(await mailbox.pendingIds('backfill')).toEqual([]);
      expect(Object.keys(await mailbox.labels())).toEqual(['earliest', 'early', 'n1', 'n2', 'n3']);
    });

    it('leaves out what comes with its thread before the oldest date is known, until history reports it', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      const early = reading('early', { at: 101, date: 1 });
      await mailbox.save(dated(1), dated(2), dated(3), early);
      await finishBackfill(mailbox);
      await mailbox.apply([record(101, added('early'))]);
      await mailbox.save(early);
      expect(await mailbox.feed()).toEqual(['stored n1', 'stored n2', 'stored n3', 'stored early']);
    });

    it('leaves out what comes with its thread while a relisting may still reach the limit', async () => {
      const mailbox = open();
      await listAndReadNewest(mailbox, 3, { relistAt: mailbox.now + 600_000 });
      const early = reading('early', { at: 101, date: 1 });
      await mailbox.save(early);
      const { store, id, now } = mailbox;
      await store.noteLimitReached({ mailbox: id, generation: mailbox.generation, floor: null, now });
      await mailbox.apply([record(101, added('early'))]);
      await mailbox.save(early);
      expect(await mailbox.feed()).toEqual(['stored n1', 'stored n2', 'stored n3', 'stored early']);
    });

    it('lets in by its date what only its thread shows once the oldest date is known', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.save(dated(5, 101), reading('missed', { at: 101, date: 9_800 }));
      expect(Object.keys(await mailbox.labels())).toEqual(['missed', 'n1', 'n2', 'n3']);
    });

    it('lets in what only its thread shows where a listing has not reached the limit', async () => {
      const mailbox = open();
      await listAndReadNewest(mailbox, 2);
      await mailbox.save(dated(3));
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
    });

    it('lets in what arrived with an older date, though its thread brought it before history reported it', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      const later = reading('later', { at: 102, date: 1 });
      await mailbox.save(later);
      await mailbox.apply([record(102, added('later'))]);
      await mailbox.save(later);
      expect(await mailbox.feed()).toEqual(['stored n1', 'stored n2', 'stored n3', 'stored later']);
    });

    it('lets in what arrived with an older date, though listed late before history reported it', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      const { store, id, now } = mailbox;
      const early = { id: messageId('early'), threadId: threadId('t-early') };
      await store.addListedLate({
        mailbox: id,
        generation: mailbox.generation,
        messages: [early],
        since: null,
        isAdmitted: false,
        now,
      });
      await mailbox.apply([record(101, added('early'))]);
      await mailbox.save(reading('early', { at: 101, date: 1 }));
      expect(Object.keys(await mailbox.labels())).toEqual(['early', 'n1', 'n2', 'n3']);
    });

    it('lets in what is listed late within the limit, though a label brought it before', async () => {
      const mailbox = open();
      await mailbox.put(scope({ limit: 3 }));
      await mailbox.begin(100);
      await mailbox.list([]);
      await mailbox.finish({ keepNewest: 3 });
      await finishBackfill(mailbox);
      await mailbox.apply([record(101, labelled('n3', 'STARRED'))]);
      await mailbox.save(dated(3, 101));
      const { store, id, now, generation } = mailbox;
      const messages = ids(1, 3).map((one) => ({ id: messageId(one), threadId: threadId(`t-${one}`) }));
      await store.addListedLate({ mailbox: id, generation: mailbox.generation, messages, since: null, now });
      await mailbox.save(dated(1), dated(2));
      await store.noteLimitReached({ mailbox: id, generation, floor: null, now });
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
    });

    it('lets in what is listed late within the limit, once a get shows it is not in SPAM any more', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, labelled('late', 'SPAM'))]);
      await mailbox.save(reading('late', { at: 101, date: 9_750, labels: ['SPAM'] }));
      await mailbox.apply([record(102, labelled('late', 'STARRED'))]);
      const { store, id, generation, now } = mailbox;
      const messages = [{ id: messageId('late'), threadId: threadId('t-late') }];
      await store.addListedLate({ mailbox: id, generation, messages, since: historyId('110'), now });
      await mailbox.saveRefreshed([reading('late', { at: 103, date: 9_750 })]);
      expect(Object.keys(await mailbox.labels())).toEqual(['late', 'n1', 'n2', 'n3']);
    });

    it('lets in by its date what an abandoned relisting still counts, once the date is known', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      const { store, id, generation, now } = mailbox;
      const messages = [{ id: messageId('n4'), threadId: threadId('t-n4') }];
      await store.addListedLate({ mailbox: id, generation, messages, since: null, isAdmitted: true, now });
      expect(await mailbox.save(dated(4))).toEqual({ stored: 0, stale: [] });
    });

    it('takes the date that a relisting tells, where the first listing left messages out and knew none', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      const { store, id, generation, now } = mailbox;
      await store.noteLimitReached({ mailbox: id, generation, floor: 9_700, now });
      await store.noteLimitReached({ mailbox: id, generation, floor: 9_800, now });
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ floor: 9_700 });
    });

    it('lets in what arrived with an older date while a listing showed it, beyond the limit', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.begin(100);
      await mailbox.list([...ids(1, 6), 'early']);
      await mailbox.apply([record(101, added('early'))]);
      await mailbox.save(reading('early', { at: 101, date: 1 }));
      await mailbox.finish({ keepNewest: 3 });
      expect(Object.keys(await mailbox.labels())).toEqual(['early', 'n1', 'n2', 'n3']);
    });

    it('holds where a label operation brought an older message in before the oldest date was known', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      await mailbox.apply([record(101, labelled('n6', 'STARRED'))]);
      await mailbox.save(dated(1), dated(6, 101));
      await mailbox.begin(200);
      await mailbox.list(ids(1, 6));
      await mailbox.finish({ keepNewest: 3 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['n2', 'n3']);
    });

    it('takes in what is listed late, although the oldest of the newest was deleted before it was read', async () => {
      const mailbox = open();
      await mailbox.put(scope({ limit: 3 }));
      await mailbox.begin(100);
      await mailbox.list(['n1', 'n2', 'n4']);
      await mailbox.finish({ keepNewest: 3 });
      await mailbox.apply([record(101, deleted('n4'))]);
      await mailbox.store.addListedLate({
        mailbox: mailbox.id,
        generation: mailbox.generation,
        messages: [{ id: messageId('n3'), threadId: threadId('t-n3') }],
        since: null,
        now: mailbox.now,
      });
      await mailbox.save(dated(1), dated(2), dated(3));
      await finishBackfill(mailbox);
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
    });

    it('holds where a message beyond it was fetched with its thread while the listing went on', async () => {
      const mailbox = open();
      await mailbox.put(scope({ limit: 3 }));
      await mailbox.begin(100);
      await mailbox.list(ids(1, 6));
      await mailbox.save(dated(1), dated(5));
      await mailbox.finish({ keepNewest: 3 });
      await mailbox.save(dated(2), dated(3));
      await finishBackfill(mailbox);
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
    });

    it('that is listed again lets in everything down to the last arrival, where the newest are all gone', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      const late = ['l4', 'l3', 'l2', 'l1'];
      await mailbox.apply([
        record(101, ...late.map((id) => added(id))),
        record(102, ...ids(1, 3).map((id) => deleted(id))),
      ]);
      await mailbox.save(...late.map((id, index) => reading(id, { at: 101, date: 20_000 - index })));
      await mailbox.begin(200);
      await mailbox.list(['l4', 'l3', 'l2', 'missed', 'l1', ...ids(4, 6)]);
      await mailbox.finish({ keepNewest: 3 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['missed']);
    });

    it("judges by its date what only a label's listing shows, so that an old message lowers no limit", async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.begin(200);
      await mailbox.list(['n1', 'n2', 'n3', 'n6']);
      await mailbox.listLabels({ INBOX: ['n1', 'missed', 'n2', 'n3', 'n4', 'n5', 'n6'] }, { isInScope: true });
      await mailbox.list(['n1', 'n2', 'n3', 'n4', 'n5', 'n6']);
      await mailbox.finish({ labels: 'compared', keepNewest: 3 });
      await mailbox.save(reading('missed', { date: 9_850 }), dated(5));
      await finishBackfill(mailbox);
      expect(Object.keys(await mailbox.labels())).toEqual(['missed', 'n1', 'n2', 'n3']);
      expect(await mailbox.save(dated(4, 201))).toEqual({ stored: 0, stale: [] });
    });

    it('gets its date from the first of the newest that is read, even after the end of the backfill', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      await mailbox.apply([record(101, ...ids(1, 3).map((id) => labelled(id, 'STARRED')), labelled('n5', 'STARRED'))]);
      await finishBackfill(mailbox);
      await mailbox.save(dated(5, 101));
      await mailbox.save(dated(1, 101), dated(2, 101), dated(3, 101));
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
    });

    it('is reached, too, where only a relisting shows more messages than the limit', async () => {
      const mailbox = open();
      await listAndReadNewest(mailbox, 2);
      const { store, id, generation, now } = mailbox;
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ leftNothingOut: true, floor: null });
      await store.noteLimitReached({ mailbox: id, generation, floor: null, now });
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ leftNothingOut: false, floor: 9_800 });
    });

    it('counts what had arrived before the last listing among the newest that it showed', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, added('late'), added('early'))]);
      await mailbox.save(reading('late', { at: 101, date: 20_000 }), reading('early', { at: 101, date: 1 }));
      await mailbox.begin(200);
      await mailbox.list(['late', 'n1', 'n2', 'n3', 'n4', 'early']);
      await mailbox.finish({ keepNewest: 3 });
      await finishBackfill(mailbox);
      const { store, id } = mailbox;
      const messageIds = ['late', 'early'].map((one) => messageId(one));
      expect(await store.admissionsOf({ mailbox: id, messageIds })).toEqual(
        new Map([
          ['late', { by: 'listing', internalDate: 20_000 }],
          ['early', { by: 'arrival', internalDate: 1 }],
        ]),
      );
    });

    it('says which messages a listing let in, and which have arrived', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      await mailbox.save(dated(1), dated(2));
      await mailbox.apply([record(101, added('late'), deleted('n2')), record(102, labelled('n5', 'STARRED'))]);
      const { store, id } = mailbox;
      const messageIds = ['n1', 'n2', 'n3', 'n4', 'n5', 'late'].map((one) => messageId(one));
      expect(await store.admissionsOf({ mailbox: id, messageIds })).toEqual(
        new Map([
          ['n1', { by: 'listing', internalDate: 9_900 }],
          ['n2', { by: null, internalDate: 9_800 }],
          ['n3', { by: 'listing', internalDate: null }],
          ['n5', { by: null, internalDate: null }],
          ['late', { by: 'arrival', internalDate: null }],
        ]),
      );
    });

    it('whose date is known leaves out older mail at once, before the newest are read', async () => {
      const mailbox = open();
      await newestThree(mailbox, { limitedTo: 9_700 });
      await mailbox.apply([record(101, labelled('n5', 'STARRED'))]);
      await mailbox.save(dated(4), dated(5, 101));
      expect(Object.keys(await mailbox.labels())).toEqual([]);
      expect(await mailbox.pendingIds('backfill')).toEqual(['n1', 'n2', 'n3']);
    });

    it('keeps the positions of a pass when an abandoned attempt saves its first page late', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.begin(200);
      const first = await mailbox.progress();
      if (first.step !== 'listing') throw new Error('a full sync begins with a listing');
      const { store, id, generation, now } = mailbox;
      const save = (position: number, names: readonly string[]) => {
        const messages = names.map((name) => ({ id: messageId(name), threadId: threadId(`t-${name}`) }));
        const progress = { ...first, pageToken: 'next', position: position + names.length };
        return store.saveListingPage({ mailbox: id, generation, messages, position, progress, now });
      };
      await save(0, ids(1, 2));
      await save(2, ids(3, 4));
      await save(0, ids(1, 2));
      const listed = await store.listedFrom({ mailbox: id, generation, position: 2, limit: 9 });
      expect(listed.flatMap(({ messages }) => messages.map((message) => message.id))).toEqual(['n3', 'n4']);
    });

    it('gives no position to a message that only a get has shown', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.begin(200);
      await mailbox.list(['n1', 'n4', 'n5']);
      const { store, id, generation } = mailbox;
      const shown = ['n1', 'n2'].map((one) => ({ id: messageId(one), labelIds: [] }));
      await store.correctListing({ mailbox: id, generation, fetched: shown });
      const listed = await store.listedFrom({ mailbox: id, generation, position: 0, limit: 2 });
      expect(listed.flatMap(({ messages }) => messages.map((message) => message.id))).toEqual(['n1', 'n4']);
    });

    it('has no date while another scope is being listed', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      const { store, id, now } = mailbox;
      const begin = (generation: number, settings?: MailboxSettings) =>
        store.beginFullSync({
          mailbox: id,
          generation,
          startHistoryId: historyId('200'),
          ...(settings === undefined ? {} : { settings }),
          now,
        });
      await begin(2);
      expect(await store.limitEdge({ mailbox: id, generation: 2 })).toMatchObject({ floor: 9_700 });
      await begin(3, scope({ limit: 4 }));
      expect(await store.limitEdge({ mailbox: id, generation: 3 })).toMatchObject({ floor: null });
    });

    it('that is listed again shows the last message known before, and the message at each position', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, deleted('n3'))]);
      await mailbox.begin(200);
      await mailbox.list(['late', 'n1', 'n2', ...ids(4, 6)]);
      const { store, id, generation } = mailbox;
      expect(await store.limitEdge({ mailbox: id, generation })).toEqual({
        position: 2,
        internalDate: 9_800,
        floor: 9_700,
        leftNothingOut: false,
      });
      const from = (position: number) => store.listedFrom({ mailbox: id, generation, position, limit: 2 });
      expect(await from(0)).toEqual([
        { position: 0, messages: [{ id: 'late', internalDate: null }] },
        { position: 1, messages: [{ id: 'n1', internalDate: 9_900 }] },
      ]);
      expect(await from(5)).toEqual([{ position: 5, messages: [{ id: 'n6', internalDate: null }] }]);
      expect(await from(6)).toEqual([]);
    });

    it('that is listed again keeps what is known to have arrived, although all of the newest are gone', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.begin(200);
      await mailbox.list(['l5', 'l4', 'l3', 'l2', 'l1', ...ids(4, 6)]);
      const { store, id, generation } = mailbox;
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ position: -1, internalDate: null });
      await mailbox.finish({ keepNewest: 3, arrivedTo: 4 });
      expect((await mailbox.pendingIds('backfill')).toSorted()).toEqual(['l1', 'l2', 'l3', 'l4', 'l5']);
    });

    it('lets the dates of messages decide that may have arrived, once they are read', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.begin(200);
      await mailbox.list(['late', ...ids(1, 3), 'new', ...ids(4, 6)]);
      await mailbox.finish({ keepNewest: 3, arrivedTo: 3, undatedTo: 5 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['late', 'new', 'n4']);
      await mailbox.save(dated(4), reading('late', { date: 9_950 }), reading('new', { date: 9_750 }));
      await finishBackfill(mailbox);
      expect(Object.keys(await mailbox.labels())).toEqual(['late', 'n1', 'n2', 'n3', 'new']);
      const { store, id, generation } = mailbox;
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ floor: 9_700 });
    });

    it('whose date is known gives no place of a message that has left to an older one', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, deleted('n2'), deleted('n3'))]);
      await mailbox.begin(200);
      await mailbox.list(['n1', ...ids(4, 6)]);
      await mailbox.finish({ keepNewest: 3 });
      expect(await mailbox.pendingIds('backfill')).toEqual([]);
    });

    it('keeps its date when an older message arrives, and is among the newest of the next listing', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, added('early'), deleted('n2'), deleted('n3'))]);
      await mailbox.save(reading('early', { at: 101, date: 9_000 }));
      await mailbox.begin(200);
      await mailbox.list(['n1', 'n4', 'early']);
      await mailbox.finish({ keepNewest: 3 });
      await finishBackfill(mailbox);
      const { store, id, generation } = mailbox;
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ floor: 9_700 });
    });

    it('that only a relisting reaches leaves out at once what is older than its last message', async () => {
      const mailbox = open();
      await listAndReadNewest(mailbox, 2);
      await mailbox.apply([record(101, labelled('n5', 'STARRED'))]);
      await mailbox.save(dated(5, 101));
      const { store, id, generation, now } = mailbox;
      await store.noteLimitReached({ mailbox: id, generation, floor: 9_700, now });
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2']);
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ leftNothingOut: false, floor: 9_700 });
    });

    it('may have left out messages while the relisting after a first listing is to come', async () => {
      const mailbox = open();
      await listAndReadNewest(mailbox, 2, { relistAt: mailbox.now + 600_000 });
      const { store, id, generation } = mailbox;
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ leftNothingOut: false });
      await store.setRelistAt({ mailbox: id, generation, relistAt: null });
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ leftNothingOut: true });
    });

    it('is not lifted by a listing that was given up', async () => {
      const mailbox = open();
      await mailbox.put(scope({ limit: 3 }));
      await mailbox.begin(100);
      await mailbox.list(ids(1, 6));
      await mailbox.begin(200);
      await mailbox.list(ids(1, 6));
      await mailbox.finish({ keepNewest: 3 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['n1', 'n2', 'n3']);
    });

    it('is not lowered by an old message that was read while it was listed, and then deleted', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.begin(200);
      await mailbox.list(ids(1, 6));
      await mailbox.save(dated(6));
      await mailbox.apply([record(201, deleted('n6'))]);
      expect(await mailbox.finish({ keepNewest: 3 })).toEqual({ gone: 0, relabelled: 0 });
      await finishBackfill(mailbox);
      const { store, id, generation } = mailbox;
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ position: 2, floor: 9_700 });
    });

    it("is not lowered by what a given-up listing showed, and then only a label's listing", async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.begin(200);
      await mailbox.list(ids(1, 6));
      await mailbox.save(dated(6));
      await mailbox.begin(300);
      await mailbox.list(ids(1, 5));
      await mailbox.listLabels({ INBOX: ids(1, 6) }, { isInScope: true });
      await mailbox.finish({ labels: 'compared', keepNewest: 3 });
      await finishBackfill(mailbox);
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
      const { store, id, generation } = mailbox;
      expect(await store.limitEdge({ mailbox: id, generation })).toMatchObject({ position: 2, floor: 9_700 });
    });

    it('keeps what an earlier listing let in, however old it is, while its absence is doubted', async () => {
      const mailbox = open();
      await mailbox.put(scope({ limit: 3 }));
      await mailbox.begin(100);
      await mailbox.list(['n1', 'imported', 'n2', 'n3']);
      await mailbox.finish({ keepNewest: 3 });
      await mailbox.save(dated(1), dated(2), reading('imported', { date: 1 }));
      await mailbox.begin(200);
      await mailbox.list(['n1', 'n2', 'n3', 'n4']);
      await mailbox.finish({ keepNewest: 3, absence: 'doubted', limitedTo: 9_700 });
      expect(Object.keys(await mailbox.labels())).toEqual(['imported', 'n1', 'n2']);
    });

    it('excludes by date what a given-up listing read, in another format, too, and reports it as gone', async () => {
      const mailbox = open();
      await mailbox.put({ ...scope({ limit: 6 }), format: 'full' });
      await mailbox.begin(100);
      await mailbox.list(ids(1, 6));
      await mailbox.saveAs('full', dated(5));
      await mailbox.put({ ...scope({ limit: 3 }), format: 'raw' });
      await mailbox.begin(200);
      await mailbox.list(ids(1, 6));
      await mailbox.finish({ keepNewest: 3 });
      await mailbox.saveAs('raw', dated(1), dated(2), dated(3), dated(5));
      await finishBackfill(mailbox);
      expect(await mailbox.pendingIds('backfill')).toEqual([]);
      expect(await mailbox.feed()).toEqual([
        'stored n5',
        'stored n1',
        'stored n2',
        'stored n3',
        'stored n5',
        'gone n5',
      ]);
    });

    it('keeps older messages out when a label operation brings them up', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, labelled('n5', 'STARRED'))]);
      expect(await mailbox.pendingIds('live')).toEqual(['n5']);
      expect(await mailbox.save(dated(5, 101))).toEqual({ stored: 0, stale: [] });
      expect(await mailbox.counts()).toMatchObject({ stored: 3, excluded: 1 });
      await mailbox.apply([record(102, labelled('n5', 'Again'))]);
      expect(await mailbox.counts()).toMatchObject({ stored: 3, excluded: 1, pending: 0 });
    });

    it('excludes what came in from below before the oldest date was known', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      await mailbox.apply([record(101, labelled('n5', 'STARRED'))]);
      await mailbox.save(dated(5, 101), dated(1), dated(2), dated(3));
      expect(await mailbox.counts()).toMatchObject({ stored: 4 });
      await finishBackfill(mailbox);
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
      expect((await mailbox.feed()).at(-1)).toBe('gone n5');
    });

    it('stores a message within the limit that could be read only after the backfill, however old it is', async () => {
      const mailbox = open();
      await newestThree(mailbox);
      await mailbox.save(dated(1), dated(2));
      await mailbox.failFetch('n3');
      await finishBackfill(mailbox);
      expect(await mailbox.save(dated(3))).toEqual({ stored: 1, stale: [] });
    });

    describe('of which the first listing knew only a lower bound', () => {
      const between = (at = 101) => reading('between', { date: 9_650, at });

      /** A label shows an older message before the last message is read. */
      async function boundedWithOlder(): Promise<TestMailbox> {
        const mailbox = open();
        await newestThree(mailbox, { limitedTo: 9_601, isFloorBelow: true });
        await mailbox.apply([record(101, labelled('between', 'INBOX'))]);
        await mailbox.save(dated(2), between());
        return mailbox;
      }

      it('takes the date of its last message once that is read', async () => {
        const mailbox = await boundedWithOlder();
        await mailbox.save(dated(1));
        await mailbox.failFetch('n3');
        await finishBackfill(mailbox);
        expect(Object.keys(await mailbox.labels())).toEqual(['between', 'n1', 'n2']);
        await mailbox.save(dated(3));
        expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
        expect((await mailbox.feed()).at(-1)).toBe('gone between');
      });

      it('takes the date of its last message when the backfill ends, although another left unread', async () => {
        const mailbox = await boundedWithOlder();
        await mailbox.apply([record(102, deleted('n1'))]);
        await mailbox.save(dated(3));
        await finishBackfill(mailbox);
        expect(Object.keys(await mailbox.labels())).toEqual(['n2', 'n3']);
      });

      it('waits for the date of a last message that Gmail shows without one', async () => {
        const mailbox = await boundedWithOlder();
        await mailbox.save(dated(1), { ...dated(3), internalDate: null });
        await finishBackfill(mailbox);
        expect(Object.keys(await mailbox.labels())).toEqual(['between', 'n1', 'n2', 'n3']);
        await mailbox.save(dated(3, 102));
        expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3']);
      });

      it('leaves out what comes with its thread until history reports it', async () => {
        const mailbox = open();
        await newestThree(mailbox, { limitedTo: 9_601, isFloorBelow: true });
        await mailbox.save(dated(1), dated(2), dated(3), between());
        await finishBackfill(mailbox);
        await mailbox.apply([record(101, added('between'))]);
        await mailbox.save(between());
        expect(await mailbox.feed()).toEqual(['stored n1', 'stored n2', 'stored n3', 'stored between']);
      });

      it.each([
        ['deleted', (mailbox: TestMailbox) => mailbox.apply([record(101, deleted('n3'))])],
        ['not found', (mailbox: TestMailbox) => mailbox.failFetch('n3', { state: 'gone', error: UNSEEN })],
      ] as const)('keeps the bound where its last message is %s before it was read', async (_, leave) => {
        const mailbox = open();
        await newestThree(mailbox, { limitedTo: 9_601, isFloorBelow: true });
        await mailbox.save(dated(1), dated(2));
        await mailbox.failFetch('n3', { state: 'unseen', error: UNSEEN });
        await finishBackfill(mailbox);
        expect(await mailbox.save(between())).toEqual({ stored: 0, stale: [] });
        await leave(mailbox);
        expect(await mailbox.save(between())).toEqual({ stored: 1, stale: [] });
      });

      it('has the date of its oldest message once another listing has ended', async () => {
        const mailbox = open();
        await newestThree(mailbox, { limitedTo: 9_601, isFloorBelow: true });
        await mailbox.save(dated(1), dated(2));
        await mailbox.begin(200);
        await mailbox.list(['late', ...ids(1, 3)]);
        await mailbox.finish({ keepNewest: 3 });
        await mailbox.save(dated(3, 201), reading('late', { date: 10_100, at: 201 }));
        await finishBackfill(mailbox);
        await mailbox.apply([record(202, labelled('between', 'INBOX'))]);
        expect(await mailbox.save(between(202))).toEqual({ stored: 0, stale: [] });
      });
    });

    it('needs no floor when the mailbox holds fewer messages than the limit', async () => {
      const mailbox = open();
      await listAndReadNewest(mailbox, 2);
      await mailbox.apply([record(101, labelled('n9', 'INBOX'))]);
      expect(await mailbox.save(dated(9, 101))).toEqual({ stored: 1, stale: [] });
    });

    it('lets in more when the limit is raised, excluded messages too', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.apply([record(101, labelled('n4', 'STARRED'))]);
      await mailbox.save(dated(4, 101));
      await beginWithLimit(mailbox, 5);
      await mailbox.list(ids(1, 6));
      await mailbox.listLabels({ INBOX: ids(1, 6) });
      await mailbox.finish({ labels: 'compared', keepNewest: 5 });
      expect(await mailbox.pendingIds('backfill')).toEqual(['n5']);
      expect(Object.keys(await mailbox.labels())).toEqual(['n1', 'n2', 'n3', 'n4']);
      await mailbox.save(dated(5));
      await finishBackfill(mailbox);
      await mailbox.apply([record(201, labelled('n6', 'STARRED'))]);
      expect(await mailbox.save(dated(6, 201))).toEqual({ stored: 0, stale: [] });
      expect(await mailbox.save(reading('between', { date: 9_550 }))).toEqual({ stored: 1, stale: [] });
    });

    it('judges nothing by its former limit while it is listed under another', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await beginWithLimit(mailbox, 5);
      await mailbox.list(ids(1, 6));
      await mailbox.apply([record(201, unlabelled('back', 'TRASH'))]);
      await mailbox.save(reading('back', { date: 9_650, at: 201 }));
      await mailbox.listLabels({ INBOX: ids(1, 6) });
      await mailbox.finish({ labels: 'compared', keepNewest: 5 });
      await mailbox.save(dated(4), dated(5));
      await finishBackfill(mailbox);
      expect(Object.keys(await mailbox.labels())).toEqual(['back', 'n1', 'n2', 'n3', 'n4', 'n5']);
    });

    it('has no floor once the limit is removed', async () => {
      const mailbox = open();
      await newestThreeRead(mailbox);
      await mailbox.put(scope({}));
      await mailbox.begin(200);
      await mailbox.list(ids(1, 6));
      await mailbox.finish();
      expect(await mailbox.save(dated(4), dated(5), dated(6))).toEqual({ stored: 3, stale: [] });
    });
  });
}
