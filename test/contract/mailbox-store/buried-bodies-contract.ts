import { describe, expect, it } from 'vitest';
import type { Doubt } from '../../../src/store/rows/mailbox-row.ts';
import {
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
  type TestMailbox,
} from '../../fixtures/store/tested-store.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

const DOUBT: Doubt = { since: 1, checkedAt: 2, checks: 1, uncounted: 1, absent: 0, relabelled: 0 };

export function buriedBodies(fixture: StoreFixture): void {
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

    it('is dropped once, after its grace period', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.applyTwice([record(101, deleted('a'))]);
      const later = { now: mailbox.now + 2 * HOUR, grace: HOUR };
      expect(await mailbox.store.dropBuriedBodies(later)).toBe(1);
      expect(await mailbox.store.dropBuriedBodies(later)).toBe(0);
      expect(await mailbox.store.heldBody({ mailbox: mailbox.id, messageId: m('a') })).toBeNull();
      expect(await mailbox.counts()).toMatchObject({ stored: 1, gone: 1 });
    });

    it('stays eight days longer where only one answer of history has shown the deletion, however often', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, deleted('a'), deleted('a')), record(101, deleted('a'))]);
      await mailbox.apply([record(102, deleted('b'))]);
      const droppedAfter = (days: number) =>
        mailbox.store.dropBuriedBodies({ now: mailbox.now + days * DAY, grace: DAY });
      expect(await droppedAfter(8)).toBe(0);
      expect(await droppedAfter(9)).toBe(1);
    });

    it('stays for the usual time from the second answer that shows the deletion', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      await mailbox.apply([record(101, deleted('a'))]);
      mailbox.now += 2 * HOUR;
      await mailbox.apply([record(101, deleted('a'))]);
      mailbox.now += 2 * HOUR;
      await mailbox.apply([record(101, deleted('a'))]);
      expect(await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 2 * HOUR + 1 })).toBe(0);
      expect(await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 2 * HOUR })).toBe(1);
    });
  });

  describe('the body of a message that history moved out of the scope', () => {
    const open = useMailbox(fixture);

    async function trashed(): Promise<TestMailbox> {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      await mailbox.apply([record(101, labelled('a', 'TRASH'))]);
      expect(await mailbox.counts()).toMatchObject({ stored: 1, excluded: 1, gone: 0 });
      return mailbox;
    }

    const droppedAfter = (mailbox: TestMailbox, days: number) =>
      mailbox.store.dropBuriedBodies({ now: mailbox.now + days * DAY, grace: DAY });

    /** Lists the mailbox from `mark` on, without the message that is in the trash. */
    async function list(mailbox: TestMailbox, mark: number, doubt: Doubt | null): Promise<void> {
      await mailbox.begin(mark);
      await mailbox.list(['b']);
      await mailbox.finish({ doubt });
    }

    it('stays while only history is followed, however long', async () => {
      expect(await droppedAfter(await trashed(), 365)).toBe(0);
    });

    it('is dropped after the grace period once a whole listing does not show the message either', async () => {
      const mailbox = await trashed();
      await list(mailbox, 200, null);
      expect(await mailbox.counts()).toMatchObject({ stored: 1, excluded: 1, gone: 0 });
      expect(await droppedAfter(mailbox, 0)).toBe(0);
      expect(await droppedAfter(mailbox, 1)).toBe(1);
      await mailbox.apply([record(201, unlabelled('a', 'TRASH'))]);
      expect(await mailbox.pendingIds('live')).toEqual(['a']);
    });

    it('stays while that listing is in doubt, and is dropped after one that is believed', async () => {
      const mailbox = await trashed();
      await list(mailbox, 200, DOUBT);
      await list(mailbox, 300, DOUBT);
      expect(await droppedAfter(mailbox, 365)).toBe(0);
      expect(await mailbox.store.heldBody({ mailbox: mailbox.id, messageId: m('a') })).not.toBeNull();
      await list(mailbox, 400, null);
      expect(await droppedAfter(mailbox, 0)).toBe(0);
      expect(await droppedAfter(mailbox, 1)).toBe(1);
    });

    it('is dropped after history shows a deletion that follows such a doubt, as any other body', async () => {
      const mailbox = await trashed();
      await list(mailbox, 200, DOUBT);
      await mailbox.apply([record(201, deleted('a'))]);
      expect(await droppedAfter(mailbox, 8)).toBe(0);
      await mailbox.apply([record(201, deleted('a'))]);
      expect(await droppedAfter(mailbox, 1)).toBe(1);
    });

    const begin = (mailbox: TestMailbox, mark: number, labelIds: readonly string[]) => {
      mailbox.generation += 1;
      return mailbox.store.beginFullSync({
        mailbox: mailbox.id,
        generation: mailbox.generation,
        startHistoryId: h(mark),
        settings: scope({ labelIds: labelIds.map(l) }),
        now: mailbox.now,
      });
    };

    it("stays while any label's listing shows the message, and is dropped after a pass without it", async () => {
      const mailbox = open();
      await mailbox.put(scope({ labelIds: [l('INBOX')] }));
      await mailbox.sync([reading('a', { labels: ['INBOX', 'Work'] }), reading('b')]);
      await mailbox.apply([record(101, unlabelled('a', 'INBOX'))]);
      for (const mark of [200, 300]) {
        await begin(mailbox, mark, ['INBOX']);
        await mailbox.list(['b']);
        await mailbox.listLabels({ INBOX: ['b'], Work: ['a'] });
        await mailbox.finish({ labels: 'compared' });
      }
      expect(await droppedAfter(mailbox, 365)).toBe(0);
      await begin(mailbox, 400, ['INBOX']);
      await mailbox.list(['b']);
      await mailbox.listLabels({ INBOX: ['b'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await droppedAfter(mailbox, 0)).toBe(0);
      expect(await droppedAfter(mailbox, 1)).toBe(1);
    });

    it("is dropped once other settings leave the message out, although a label's listing shows it", async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['INBOX', 'Work'] })]);
      await begin(mailbox, 200, ['STARRED']);
      await mailbox.listLabels({ Work: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.counts()).toMatchObject({ stored: 0, excluded: 1, gone: 0 });
      expect(await droppedAfter(mailbox, 0)).toBe(0);
      expect(await droppedAfter(mailbox, 1)).toBe(1);
    });

    it("stays when other settings come while a label's listing shows the message, which had left before", async () => {
      const mailbox = open();
      await mailbox.put(scope({ labelIds: [l('INBOX')] }));
      await mailbox.sync([reading('a', { labels: ['INBOX', 'Work'] }), reading('b')]);
      await mailbox.apply([record(101, unlabelled('a', 'INBOX'))]);
      await begin(mailbox, 200, ['INBOX', 'STARRED']);
      await mailbox.list(['b']);
      await mailbox.listLabels({ INBOX: ['b'], Work: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await droppedAfter(mailbox, 365)).toBe(0);
    });

    it('is still held when a listing shows the message again after such a doubt', async () => {
      const mailbox = await trashed();
      await list(mailbox, 200, DOUBT);
      await mailbox.begin(300);
      await mailbox.list(['a', 'b']);
      await mailbox.listLabels({ INBOX: ['a', 'b'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.counts()).toMatchObject({ stored: 2, pending: 0, gone: 0 });
      expect(await droppedAfter(mailbox, 365)).toBe(0);
    });
  });
}
