import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import type { Doubt } from '../../../src/store/rows/mailbox-row.ts';
import {
  l,
  h,
  m,
  record,
  labelled,
  reading,
  scope,
  TestMailbox,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

const DAY = '2026-11-22';

export function mailboxes(fixture: StoreFixture): void {
  describe('mailboxes', () => {
    const open = useMailbox(fixture);
    const bob = mailboxId('bob@example.com');

    it('begins a mailbox with no mark and no generation', async () => {
      const mailbox = open();
      expect(await mailbox.row()).toEqual({
        id: mailbox.id,
        settings: DEFAULT_SETTINGS,
        audit: null,
        historyId: null,
        generation: 0,
        fullSync: null,
        marks: [],
        relistAt: null,
        condition: null,
        conditions: { live: null, backfill: null },
        changeSequence: 0,
        createdAt: mailbox.now,
        syncedAt: null,
        watch: null,
        account: null,
        renamedFrom: null,
        doubt: null,
      });
    });

    it('changes only the settings of a mailbox that is there', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      const before = await mailbox.row();
      mailbox.now += 5_000;
      const settings = scope({ labelIds: [], includeSpamTrash: true });
      expect(await mailbox.put(settings)).toEqual({ ...before, settings });
      expect(await mailbox.feed()).toEqual(['stored a']);
    });

    it('does not know a mailbox that was not put', async () => {
      expect(await open().store.getMailbox(bob)).toBeNull();
    });

    it('lists mailboxes in the order of their addresses', async () => {
      const { store } = open();
      await store.putMailbox({ mailbox: bob, settings: DEFAULT_SETTINGS, now: 1 });
      expect((await store.listMailboxes()).map((row) => row.id)).toEqual(['alice@example.com', 'bob@example.com']);
    });

    it.for([
      ['countMessages', (it: ReturnType<typeof open>) => it.store.countMessages(bob, 1)],
      ['countProgress', (it: ReturnType<typeof open>) => it.store.countProgress(bob)],
      [
        'beginFullSync',
        (it: ReturnType<typeof open>) =>
          it.store.beginFullSync({ mailbox: bob, generation: 1, startHistoryId: h(1), now: 1 }),
      ],
      [
        'saveFetched',
        (it: ReturnType<typeof open>) =>
          it.store.saveFetched({ mailbox: bob, messages: [reading('a')], format: 'full', now: 1 }),
      ],
      [
        'nextPending',
        (it: ReturnType<typeof open>) => it.store.nextPending({ mailbox: bob, lane: 'live', limit: 1, now: 1 }),
      ],
      [
        'applyHistory',
        (it: ReturnType<typeof open>) =>
          it.store.applyHistory({
            mailbox: bob,
            generation: 0,
            records: [],
            mark: null,
            settle: null,
            settledBefore: h(1),
            now: 1,
          }),
      ],
      [
        'readChangePage',
        (it: ReturnType<typeof open>) => it.store.readChangePage({ mailbox: bob, after: 0, limit: 1 }),
      ],
      ['the ledger', (it: ReturnType<typeof open>) => it.store.update(bob, () => ({ ledger: '', result: null }))],
      ['addUsage', (it: ReturnType<typeof open>) => it.store.addUsage(bob, [], DAY)],
    ] as const)('calls an unknown mailbox lost: %s', async ([, ask]) => {
      await expect(ask(open())).rejects.toMatchObject({
        name: 'StoreError',
        failure: { kind: 'lost' },
        message: expect.stringContaining('bob@example.com') as string,
      });
    });

    it('keeps two mailboxes with the same message ids apart', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.store.putMailbox({ mailbox: bob, settings: DEFAULT_SETTINGS, now: 1 });
      await mailbox.store.saveFetched({
        mailbox: bob,
        messages: [reading('a', { labels: ['SENT'], body: 'of bob' })],
        format: 'full',
        now: 1,
      });
      await mailbox.store.noteCondition({
        mailbox: bob,
        lane: 'live',
        condition: { kind: 'failing', message: 'x', since: 1, until: null },
      });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
      expect(Buffer.from((await mailbox.message('a'))?.body ?? []).toString()).toBe('body of a');
      expect((await mailbox.row()).condition).toBeNull();
      expect(
        (await mailbox.store.readChangePage({ mailbox: bob, after: 0, limit: 9 })).changes.map(
          (change) => change.sequence,
        ),
      ).toEqual([1]);
    });

    it('counts pending and failed messages over all mailboxes', async () => {
      const mailbox = open();
      expect(await mailbox.store.countWork()).toEqual({ pending: 0, failed: 0, doubted: 0 });
      const other = new TestMailbox(mailbox.store, bob);
      await other.put();
      for (const one of [mailbox, other]) {
        await one.begin(100);
        await one.list(['a', 'b', 'c', 'd']);
        await one.save(reading('a'));
      }
      const failedFetch = { id: m('b'), asOf: null, attempts: 1, error: 'Gmail answers 500', nextAttemptAt: 900_000 };
      await other.store.saveFailedFetches({
        mailbox: bob,
        failedFetches: [{ ...failedFetch, state: 'failed' }],
        now: other.now,
      });
      expect(await mailbox.store.countWork()).toEqual({ pending: 5, failed: 1, doubted: 0 });
    });

    it('saves a doubt only in place of the one that the caller had read', async () => {
      const mailbox = open();
      const first = { since: 1, checkedAt: 2, checks: 1, uncounted: 3, absent: 0, relabelled: 0 };
      const second = { ...first, underLabels: 1 };
      const save = (replaces: Doubt | null, doubt: Doubt | null, relistAt: number) =>
        mailbox.store.saveDoubt({ mailbox: mailbox.id, generation: mailbox.generation, replaces, doubt, relistAt });
      expect(await save(null, first, 9)).toBe(true);
      expect(await save(null, null, 10)).toBe(false);
      expect(await save(second, null, 11)).toBe(false);
      expect(await mailbox.row()).toMatchObject({ doubt: first, relistAt: 9 });
      expect(await save((await mailbox.row()).doubt, second, 12)).toBe(true);
      expect(await save(first, null, 13)).toBe(false);
      expect(await mailbox.row()).toMatchObject({ doubt: second, relistAt: 12 });
    });

    it('counts mailboxes in doubt, and not those that Gmail merely did not confirm, or that are removed', async () => {
      const mailbox = open();
      const other = new TestMailbox(mailbox.store, bob);
      await other.put();
      const unconfirmed = { since: 1, checkedAt: 2, checks: 1, uncounted: 0, absent: 0, relabelled: 0 };
      const save = async (one: TestMailbox, doubt: Doubt | null) => {
        const { id, generation, doubt: replaces } = await one.row();
        await mailbox.store.saveDoubt({ mailbox: id, generation, replaces, doubt, relistAt: 9 });
      };
      const doubted = async () => (await mailbox.store.countWork()).doubted;
      await save(mailbox, { ...unconfirmed, uncounted: 3 });
      await save(other, unconfirmed);
      expect(await doubted()).toBe(1);
      await save(other, { ...unconfirmed, underLabels: 1 });
      expect(await doubted()).toBe(2);
      await save(mailbox, null);
      expect(await doubted()).toBe(1);
      await mailbox.store.beginRemoval({ mailbox: bob, chain: null, now: mailbox.now });
      expect(await doubted()).toBe(0);
    });

    it('answers when it is checked', async () => {
      await expect(open().store.check()).resolves.toBeUndefined();
    });

    it('remembers the condition until it is taken away', async () => {
      const mailbox = open();
      const condition = { kind: 'rate-limited', message: 'Gmail asks to wait', since: 5, until: 60_000 } as const;
      await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'live', condition });
      expect((await mailbox.row()).condition).toEqual(condition);
      await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'live', condition: null });
      expect((await mailbox.row()).condition).toBeNull();
    });

    it("remembers a condition of each lane, and calls the worse one the mailbox's", async () => {
      const mailbox = open();
      const failing = { kind: 'failing', message: 'Gmail answers 503', since: 5, until: null } as const;
      const needsConsent = { kind: 'needs-consent', message: 'the grant was revoked', since: 9, until: null } as const;
      await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'backfill', condition: failing });
      await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'live', condition: needsConsent });
      expect(await mailbox.row()).toMatchObject({
        condition: needsConsent,
        conditions: { live: needsConsent, backfill: failing },
      });
      await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'live', condition: null });
      expect(await mailbox.row()).toMatchObject({ condition: failing, conditions: { live: null, backfill: failing } });
    });

    it('shows of two equally bad conditions the one that has lasted longer, whichever lane it is of', async () => {
      const mailbox = open();
      const failing = (since: number) =>
        ({ kind: 'failing', message: 'Gmail answers 503', since, until: null }) as const;
      for (const [live, backfill] of [
        [9, 5],
        [5, 9],
      ] as const) {
        await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'live', condition: failing(live) });
        await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'backfill', condition: failing(backfill) });
        expect((await mailbox.row()).condition?.since).toBe(5);
      }
    });

    it('marks the wait of a lane to be reported again once the other lane has succeeded', async () => {
      const mailbox = open();
      const waiting = { kind: 'rate-limited', message: 'Gmail asks to wait', since: 5, until: 60_000 } as const;
      await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'backfill', condition: waiting });
      await mailbox.store.noteCondition({ mailbox: mailbox.id, lane: 'live', condition: null });
      expect((await mailbox.row()).conditions.backfill).toEqual({ ...waiting, told: false });
    });

    it('remembers the watch until it is taken away', async () => {
      const mailbox = open();
      const held = { topicName: 'projects/p/topics/t', labelIds: [], renewedAt: 5, expiration: 9_000 };
      for (const watch of [
        { held, retry: null },
        { held: null, retry: { topicName: 'projects/p/topics/t', labelIds: [], at: 7 } },
        null,
      ]) {
        await mailbox.store.saveWatch({ mailbox: mailbox.id, watch });
        expect((await mailbox.row()).watch).toEqual(watch);
      }
    });

    it('sets the time of the next listing for the stored generation only', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.store.setRelistAt({ mailbox: mailbox.id, generation: 1, relistAt: 7_000 });
      await mailbox.store.setRelistAt({ mailbox: mailbox.id, generation: 0, relistAt: null });
      expect((await mailbox.row()).relistAt).toBe(7_000);
      await mailbox.store.setRelistAt({ mailbox: mailbox.id, generation: 1, relistAt: null });
      expect((await mailbox.row()).relistAt).toBeNull();
    });

    it('follows labels.list in new and renamed labels, and rarely asks about one that it leaves out', async () => {
      const { store, id } = open();
      const inbox = { id: 'INBOX', name: 'INBOX', type: 'system' } as const;
      const label = (name: string) => ({ id: 'Label_1', name, type: 'user' }) as const;
      let now = 1_000;
      const save = (...labels: object[]) =>
        store.saveLabels({ mailbox: id, labels: labels as Parameters<typeof store.saveLabels>[0]['labels'], now });
      expect(await save(inbox, label('Work'))).toMatchObject({ changed: 2, unlisted: [] });
      expect(await save(inbox, label('Work'))).toMatchObject({ changed: 0, unlisted: [] });
      expect(await save(inbox, label('Werk'))).toMatchObject({ changed: 1, unlisted: [] });
      expect(await store.getLabels(id)).toEqual([inbox, label('Werk')]);
      expect(await save(inbox)).toMatchObject({ changed: 0, unlisted: ['Label_1'] });
      await store.keepLabel({ mailbox: id, labelId: l('Label_1'), now });
      expect(await save(inbox)).toMatchObject({ changed: 0, unlisted: [] });
      now += 60_000;
      expect(await save(inbox)).toMatchObject({ changed: 0, unlisted: ['Label_1'] });
      await store.keepLabel({ mailbox: id, labelId: l('Label_1'), now });
      now += 59_000;
      expect(await save(inbox)).toMatchObject({ changed: 0, unlisted: [] });
      expect(await save(inbox, label('Werk'))).toMatchObject({ changed: 1, unlisted: [] });
      expect(await store.getLabels(id)).toEqual([inbox, label('Werk')]);
    });

    it('has a label that is named for the first time listed once, some minutes later', async () => {
      const mailbox = open();
      const { store, id } = mailbox;
      let now = 1_000;
      const label = (name: string) => ({ id: l(name), name, type: 'user' }) as const;
      const fresh = async (...names: string[]) =>
        (await store.saveLabels({ mailbox: id, labels: names.map(label), now })).fresh;
      expect(await fresh('old')).toEqual([]);
      expect(await fresh('old', 'new')).toEqual([]);
      now += 120_000;
      expect(await fresh('old', 'new')).toEqual(['new']);
      await mailbox.sync([reading('a', { labels: ['new'] }), reading('b', { labels: ['old'] })]);
      await store.readAgainWithout({ mailbox: id, labelId: l('new'), messageIds: [m('a'), m('b'), m('unknown')], now });
      expect(await mailbox.refreshes()).toEqual(['b']);
      await store.putOffRefresh({ mailbox: id, messageIds: [m('b')], now });
      const due = () => store.nextRefresh({ mailbox: id, limit: 9, now });
      expect(await due()).toEqual([]);
      await store.readAgainWithout({ mailbox: id, labelId: l('new'), messageIds: [m('b')], now });
      expect(await due(), 'at once, although a later refresh was due').toEqual(['b']);
      await store.keepLabel({ mailbox: id, labelId: l('new'), now });
      expect(await fresh('old', 'new')).toEqual([]);
    });

    it('has a label that labels.list left out listed once after it is named again', async () => {
      const { store, id } = open();
      let now = 1_000;
      const label = (name: string) => ({ id: l(name), name, type: 'user' }) as const;
      const save = (...names: string[]) => store.saveLabels({ mailbox: id, labels: names.map(label), now });
      await save('old', 'other');
      expect(await save('other')).toMatchObject({ unlisted: ['old'], passedOver: [] });
      expect((await save('old', 'other')).fresh).toEqual([]);
      now += 120_000;
      expect((await save('old', 'other')).fresh).toEqual(['old']);
      await store.keepLabel({ mailbox: id, labelId: l('old'), now });
      expect((await save('old', 'other')).fresh).toEqual([]);
    });

    it('adds usage up, by method', async () => {
      const { store, id } = open();
      const usage = (calls: number, units: number, rejected: number, failed: number) => ({
        method: 'messages.get',
        calls,
        units,
        rejected,
        failed,
      });
      const history = { method: 'history.list', calls: 1, units: 2, rejected: 0, failed: 0 };
      await store.addUsage(id, [usage(2, 40, 0, 1), history], DAY);
      await store.addUsage(id, [usage(3, 60, 1, 1)], DAY);
      expect(await store.getUsage(id)).toEqual([history, usage(5, 100, 1, 2)]);
    });

    it('adds up what all mailboxes spent on a day, and begins at zero the next day', async () => {
      const { store, id } = open();
      await store.putMailbox({ mailbox: bob, settings: DEFAULT_SETTINGS, now: 1 });
      const spend = (mailbox: typeof id, units: number, day: string) =>
        store.addUsage(mailbox, [{ method: 'messages.get', calls: 1, units, rejected: 0, failed: 0 }], day);
      expect(await store.unitsOfDay(DAY)).toBe(0);
      await spend(id, 40, DAY);
      await spend(id, 20, DAY);
      await spend(bob, 7, DAY);
      expect(await store.unitsOfDay(DAY)).toBe(67);
      await spend(id, 5, '2026-11-23');
      expect(await store.unitsOfDay('2026-11-23')).toBe(5);
      await spend(id, 1_000, DAY);
      expect(await store.unitsOfDay('2026-11-23'), 'a worker whose clock is behind').toBe(5);
    });

    it('reads the ledger as it was last written', async () => {
      const mailbox = open();
      expect(await mailbox.store.getLedger(mailbox.id)).toBeNull();
      await mailbox.store.update(mailbox.id, () => ({ ledger: 'spent', result: null }));
      expect(await mailbox.store.getLedger(mailbox.id)).toBe('spent');
    });

    it('hands the ledger from one update to the next, also when they come at once', async () => {
      const { store, id } = open();
      const results = await Promise.all(
        Array.from({ length: 20 }, () =>
          store.update(id, (ledger) => ({ ledger: String(Number(ledger ?? '0') + 1), result: ledger })),
        ),
      );
      // Every update follows another and no update is lost; their order is not promised.
      expect(results.toSorted((a, b) => Number(a) - Number(b))).toEqual([
        null,
        ...Array.from({ length: 19 }, (_, index) => String(index + 1)),
      ]);
      expect(await store.update(id, (ledger) => ({ ledger: ledger ?? '', result: ledger }))).toBe('20');
    });

    it('leaves the ledger as it was when the change throws', async () => {
      const { store, id } = open();
      await store.update(id, () => ({ ledger: 'first', result: null }));
      await expect(
        store.update(id, () => {
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
      expect(await store.update(id, (ledger) => ({ ledger: ledger ?? '', result: ledger }))).toBe('first');
    });

    it('says when the mark was last confirmed to be the head', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, labelled('a', 'X'))]);
      expect((await mailbox.row()).syncedAt).toBeNull();
      const head = {
        mailbox: mailbox.id,
        generation: 1,
        records: [],
        mark: h(102),
        settle: [{ historyId: h(102), at: 9 }],
        settledBefore: h(100),
        now: 555_000,
      };
      await mailbox.store.applyHistory(head);
      expect(await mailbox.row()).toMatchObject({
        syncedAt: 555_000,
        historyId: '102',
        marks: [{ historyId: '102', at: 9 }],
      });
      await mailbox.store.applyHistory({ ...head, now: 556_000 });
      expect((await mailbox.row()).syncedAt).toBe(556_000);
    });
  });
}
