import { describe, expect, it } from 'vitest';
import { deleted, m, reading, record, useMailbox, type StoreFixture } from '../../fixtures/store/tested-store.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

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
}
