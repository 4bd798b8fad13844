import { describe, expect, it } from 'vitest';
import { mailboxId, threadId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import {
  added,
  deleted,
  m,
  reading,
  record,
  TestMailbox,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

const BOB = mailboxId('bob@example.com');
const NOW = 1_000_000;

export function renaming(fixture: StoreFixture): void {
  describe('renaming a mailbox', () => {
    const open = useMailbox(fixture);
    const rename = (mailbox: TestMailbox, to = BOB, chain: string | null = 'run-1') =>
      mailbox.store.renameMailbox({ from: mailbox.id, to, chain, now: NOW });

    async function filled(mailbox: TestMailbox): Promise<void> {
      await mailbox.fill();
      await mailbox.store.saveWatch({
        mailbox: mailbox.id,
        watch: { held: null, retry: { topicName: 'projects/p/topics/t', labelIds: [], at: 5 } },
      });
    }

    it('keeps mail, feed, mark, settings, counters, ledger and watch, and the feed goes on', async () => {
      const alice = open();
      await filled(alice);
      await alice.store.saveAccount({
        mailbox: alice.id,
        account: { address: BOB, since: 5, version: 2, checkedAt: 7, units: 100 },
      });
      const held = async (mailbox: TestMailbox) => ({
        messages: await mailbox.messages(),
        changes: await mailbox.changes(),
        counts: await mailbox.counts(),
        usage: await mailbox.store.getUsage(mailbox.id),
        ledger: await mailbox.store.getLedger(mailbox.id),
      });
      const [before, row] = [await held(alice), await alice.row()];
      expect(await rename(alice)).toBe('renamed');
      const bob = new TestMailbox(alice.store, BOB);
      bob.generation = alice.generation;
      const changes = before.changes.map((change) => ({ ...change, mailbox: BOB }));
      expect(await held(bob)).toEqual({ ...before, changes });
      expect(await bob.row()).toEqual({ ...row, id: BOB, renamedFrom: alice.id, account: null });
      expect((await bob.store.listMailboxes()).map(({ id }) => id)).toEqual([BOB]);
      const last = (await bob.changes()).at(-1)?.sequence ?? 0;
      await bob.apply([record(102, deleted('b'))]);
      expect((await bob.changes(last)).map(({ sequence, kind }) => ({ sequence, kind }))).toEqual([
        { sequence: last + 1, kind: 'gone' },
      ]);
    });

    it('refuses every writer under the former id, its old workflow included', async () => {
      const mailbox = open();
      const put = (chain: string) =>
        mailbox.store.putMailbox({ mailbox: mailbox.id, settings: DEFAULT_SETTINGS, chain, now: NOW });
      await filled(mailbox);
      await put('run-1');
      await rename(mailbox);
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
      await expect(put('run-1')).rejects.toMatchObject(lost);
      expect(await mailbox.store.getMailbox(mailbox.id)).toBeNull();
      // Starting the former address again means a new mailbox.
      expect(await put('run-2')).toMatchObject({ id: mailbox.id, changeSequence: 0, renamedFrom: null });
    });

    it('takes turns with the writers under the former id', async () => {
      const alice = open();
      await filled(alice);
      const writers = Promise.allSettled(
        Array.from({ length: 30 }, async (_, index) => alice.save(reading(`z${index}`))),
      );
      expect(await rename(alice)).toBe('renamed');
      const saved = (await writers).filter(({ status }) => status === 'fulfilled').length;
      const bob = new TestMailbox(alice.store, BOB);
      expect((await bob.messages()).length).toBe(2 + saved);
      expect((await bob.changes()).map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: (await bob.row()).changeSequence }, (_, index) => index + 1),
      );
      expect(await alice.store.getMailbox(alice.id)).toBeNull();
    });

    it('can be repeated and undone', async () => {
      const mailbox = open();
      await filled(mailbox);
      expect([await rename(mailbox), await rename(mailbox)]).toEqual(['renamed', 'renamed']);
      expect(await rename(mailbox, mailboxId('carol@example.com'))).toBe('unknown');
      const back = { from: BOB, to: mailbox.id, chain: null, now: NOW };
      expect([await mailbox.store.renameMailbox(back), await mailbox.store.renameMailbox(back)]).toEqual([
        'renamed',
        'renamed',
      ]);
      expect((await mailbox.messages()).length).toBe(2);
    });

    it('is refused, and changes nothing, where the other mailbox exists or the mailbox is unknown', async () => {
      const alice = open();
      const bob = new TestMailbox(alice.store, BOB);
      await filled(alice);
      await bob.put();
      const before = [await alice.row(), await bob.row()];
      expect(await rename(alice)).toBe('taken');
      expect([await alice.row(), await bob.row()]).toEqual(before);
      expect(
        await alice.store.putMailbox({
          mailbox: mailboxId('carol@example.com'),
          settings: DEFAULT_SETTINGS,
          chain: 'run-1',
          now: NOW,
        }),
      ).toMatchObject({ changeSequence: 0 });
      expect(
        await alice.store.renameMailbox({
          from: mailboxId('nobody@example.com'),
          to: mailboxId('dora@example.com'),
          chain: 'run-9',
          now: NOW,
        }),
      ).toBe('unknown');
    });
  });

  describe('the account behind a mailbox', () => {
    const open = useMailbox(fixture);

    it('is remembered with the mailbox', async () => {
      const mailbox = open();
      const account = { address: BOB, since: 5, version: 2, checkedAt: 7, units: 100 };
      await mailbox.store.saveAccount({ mailbox: mailbox.id, account });
      expect((await mailbox.row()).account).toEqual(account);
      await mailbox.put();
      expect((await mailbox.row()).account).toEqual(account);
    });

    it('is recognised by its newest and oldest messages, but not by deleted ones', async () => {
      const mailbox = open();
      expect(await mailbox.store.sampleMessages(mailbox.id)).toEqual([]);
      const ids = Array.from({ length: 12 }, (_, index) => `m${String(index).padStart(2, '0')}`);
      await mailbox.sync(ids.map((id, index) => reading(id, { date: 1_000 + index })));
      await mailbox.apply([record(300, deleted('m11'), deleted('m00'))]);
      const samples = await mailbox.store.sampleMessages(mailbox.id);
      expect(samples.map(({ id }) => id)).toEqual(['m10', 'm09', 'm08', 'm01', 'm02']);
      expect(samples[0]).toEqual({ id: 'm10', threadId: 't-m10', internalDate: 1_010 });
    });

    it('is recognised by all of its messages where there are few', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      expect((await mailbox.store.sampleMessages(mailbox.id)).map(({ id }) => id)).toEqual(['b', 'a']);
    });
  });
}
