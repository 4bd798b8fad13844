import { describe, expect, it } from 'vitest';
import { mailboxId, threadId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import {
  added,
  l,
  m,
  reading,
  record,
  TestMailbox,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function removal(fixture: StoreFixture): void {
  describe('removing a mailbox', () => {
    const open = useMailbox(fixture);
    const remove = async (mailbox: TestMailbox, chain: string | null = 'run-1') =>
      mailbox.store.beginRemoval({ mailbox: mailbox.id, chain, now: 1_000_000 });

    async function filled(mailbox: TestMailbox): Promise<void> {
      await mailbox.fill();
      await mailbox.store.saveLabels({
        mailbox: mailbox.id,
        labels: [{ id: l('X'), name: 'x', type: 'user' }],
        now: 1,
      });
      await mailbox.store.beginAudit({ mailbox: mailbox.id, audit: 1 });
      await mailbox.store.saveAuditPage({ mailbox: mailbox.id, audit: 1, labelId: null, messageIds: [m('a')] });
      await mailbox.begin(200);
      await mailbox.listLabels({ X: ['a'] });
    }

    it('leaves nothing of it and everything of other mailboxes', async () => {
      const alice = open();
      const bob = new TestMailbox(alice.store, mailboxId('bob@example.com'));
      await filled(alice);
      await filled(bob);
      const before = [
        await bob.row(),
        await bob.messages(),
        await bob.changes(),
        await bob.store.getLabels(bob.id),
        await bob.store.getUsage(bob.id),
      ];
      expect(await remove(alice)).toBe(true);
      expect((await alice.store.listMailboxes()).map(({ id }) => id)).toEqual([bob.id]);
      expect(await alice.store.finishRemovals({ now: 1_000_000 })).toBeGreaterThan(10);
      expect(await alice.store.finishRemovals({ now: 1_000_000 })).toBe(0);
      expect([
        await bob.row(),
        await bob.messages(),
        await bob.changes(),
        await bob.store.getLabels(bob.id),
        await bob.store.getUsage(bob.id),
      ]).toEqual(before);
      await alice.put();
      expect([
        await alice.messages(),
        await alice.feed(),
        await alice.store.getUsage(alice.id),
        await alice.store.getLabels(alice.id),
      ]).toEqual([[], [], [], []]);
      expect(await alice.counts()).toMatchObject({ stored: 0, pending: 0, gone: 0, excluded: 0 });
    });

    it('refuses every writer from its first moment on, zombies included', async () => {
      const mailbox = open();
      await filled(mailbox);
      await remove(mailbox);
      const lost = { failure: { kind: 'lost' } };
      await expect(mailbox.save(reading('z'))).rejects.toMatchObject(lost);
      await expect(mailbox.apply([record(300, added('z'))])).rejects.toMatchObject(lost);
      await expect(
        mailbox.store.addListedLate({
          mailbox: mailbox.id,
          generation: mailbox.generation,
          messages: [{ id: m('z'), threadId: threadId('t') }],
          since: null,
          now: 1,
        }),
      ).rejects.toMatchObject(lost);
      await expect(mailbox.store.addUsage(mailbox.id, [], '2026-01-01')).rejects.toMatchObject(lost);
      await expect(mailbox.store.update(mailbox.id, () => ({ ledger: 'x', result: null }))).rejects.toMatchObject(lost);
      expect(await mailbox.store.getMailbox(mailbox.id)).toBeNull();
      await mailbox.store.finishRemovals({ now: 1_000_000 });
      await expect(mailbox.save(reading('z'))).rejects.toMatchObject(lost);
    });

    it('keeps the old workflow from creating the mailbox again, and lets a new workflow do so', async () => {
      const mailbox = open();
      const put = (chain: string) =>
        mailbox.store.putMailbox({ mailbox: mailbox.id, settings: DEFAULT_SETTINGS, chain, now: 2_000_000 });
      await put('run-1');
      await remove(mailbox, 'run-1');
      await expect(put('run-1')).rejects.toMatchObject({ failure: { kind: 'lost' } });
      await mailbox.store.finishRemovals({ now: 1_000_000 });
      await expect(put('run-1')).rejects.toMatchObject({ failure: { kind: 'lost' } });
      expect(await put('run-2')).toMatchObject({ id: mailbox.id, createdAt: 2_000_000 });
      expect(await put('run-2')).toMatchObject({ createdAt: 2_000_000 });
    });

    it('leaves no row behind, whatever zombies write meanwhile', async () => {
      const mailbox = open();
      await filled(mailbox);
      const zombies = Array.from({ length: 30 }, async (_, index) => {
        await mailbox.save(reading(`z${index}`));
        await mailbox.store.addUsage(
          mailbox.id,
          [{ method: `m${index}`, calls: 1, units: 1, rejected: 0, failed: 0 }],
          '2026-01-01',
        );
        await mailbox.store.putMailbox({ mailbox: mailbox.id, settings: DEFAULT_SETTINGS, chain: 'run-1', now: 1 });
      });
      const outcomes = Promise.allSettled(zombies);
      await remove(mailbox);
      await mailbox.store.finishRemovals({ now: 1_000_000 });
      await outcomes;
      expect(await mailbox.store.getMailbox(mailbox.id)).toBeNull();
      expect(await mailbox.store.finishRemovals({ now: 1_000_000 })).toBe(0);
    });

    it('goes on after an interruption, may be repeated, and does nothing for an unknown mailbox', async () => {
      const mailbox = open();
      await filled(mailbox);
      await remove(mailbox);
      expect(await remove(mailbox)).toBe(false);
      expect(await mailbox.store.finishRemovals({ now: 1_000_000, signal: AbortSignal.abort() })).toBe(0);
      await filled(mailbox);
      await remove(mailbox, null);
      expect(await mailbox.store.finishRemovals({ now: 1_000_000 })).toBeGreaterThan(20);
      expect(await mailbox.store.listMailboxes()).toEqual([]);
      expect(await remove(mailbox)).toBe(false);
    });
  });
}
