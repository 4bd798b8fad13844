import { describe, expect, it } from 'vitest';
import { mailboxId, threadId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import { h, m, reading, useMailbox, type StoreFixture } from '../../fixtures/store/tested-store.ts';

export function workLeft(fixture: StoreFixture): void {
  describe('the work that is left', () => {
    const open = useMailbox(fixture);

    it('counts threads by untried messages, and separately what was tried and what lacks attachments', async () => {
      const mailbox = open();
      await mailbox.put({ ...DEFAULT_SETTINGS, attachments: true });
      await mailbox.begin(100);
      const messages = [
        ['a1', 'a'],
        ['a2', 'a'],
        ['b1', 'b'],
        ['b2', 'b'],
        ['c1', 'c'],
        ['tried', 'a'],
        ['lacks', 'd'],
        ['plain', 'd'],
      ].map(([id = '', thread = '']) => ({ id: m(id), threadId: threadId(thread) }));
      await mailbox.store.saveListingPage({
        mailbox: mailbox.id,
        generation: 1,
        messages,
        position: 0,
        progress: await mailbox.progress(),
        now: mailbox.now,
      });
      await mailbox.failFetch('tried', { state: 'pending' });
      await mailbox.save(
        { ...reading('lacks', { thread: 'd' }), attachments: { count: 3, held: false } },
        { ...reading('plain', { thread: 'd' }), attachments: { count: 0, held: true } },
      );
      expect(await mailbox.store.workLeft({ mailbox: mailbox.id, attachments: true })).toEqual({
        threads: [
          { fresh: 1, threads: 1 },
          { fresh: 2, threads: 2 },
        ],
        tried: 1,
        lacking: 1,
        attachedShare: 0.5,
      });
    });

    it('is nothing once everything is stored, gone or failed', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a')]);
      expect(await mailbox.store.workLeft({ mailbox: mailbox.id, attachments: true })).toEqual({
        threads: [],
        tried: 0,
        lacking: 0,
        attachedShare: 0,
      });
    });

    it('counts the mailboxes whose full sync is under way', async () => {
      const mailbox = open();
      expect(await mailbox.store.countBackfills()).toBe(0);
      await mailbox.begin(100);
      const bob = mailboxId('bob@example.com');
      await mailbox.store.putMailbox({ mailbox: bob, settings: DEFAULT_SETTINGS, now: mailbox.now });
      const progress = await mailbox.store.beginFullSync({
        mailbox: bob,
        generation: 1,
        startHistoryId: h(1),
        now: mailbox.now,
      });
      expect(await mailbox.store.countBackfills()).toBe(2);
      if (progress === null) throw new Error('the generation was refused');
      await mailbox.store.finishListing({
        mailbox: bob,
        generation: 1,
        confirmed: progress,
        labels: 'unread',
        keepNewest: null,
        now: mailbox.now,
      });
      const { generation, startHistoryId, startedAt, reconciling } = progress;
      await mailbox.store.saveProgress({
        mailbox: bob,
        generation,
        progress: { generation, startHistoryId, startedAt, reconciling, step: 'done', finishedAt: mailbox.now },
      });
      expect(await mailbox.store.countBackfills()).toBe(1);
    });
  });
}
