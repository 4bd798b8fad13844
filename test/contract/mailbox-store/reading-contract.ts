import { describe, expect, it } from 'vitest';
import {
  added,
  deleted,
  labelled,
  reading,
  record,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function readingBack(fixture: StoreFixture): void {
  describe('reading', () => {
    const open = useMailbox(fixture);

    it('reports each change with the state of the message at that time', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 40, labels: ['INBOX'] })]);
      mailbox.now = 200_000;
      await mailbox.apply([record(101, labelled('a', 'X'))]);
      mailbox.now = 300_000;
      await mailbox.apply([record(102, deleted('a'))]);
      const common = { mailbox: mailbox.id, messageId: 'a', threadId: 't-a' };
      const both = ['INBOX', 'X'];
      const [stored, labels, gone] = [
        { kind: 'stored', labelIds: ['INBOX'], added: ['INBOX'], removed: [] },
        { kind: 'labels', labelIds: both, added: ['X'], removed: [] },
        { kind: 'gone', labelIds: both, added: [], removed: [], why: 'deleted' },
      ];
      expect(await mailbox.changes()).toEqual([
        { ...common, sequence: 1, ...stored, historyId: '40', at: 110_000 },
        { ...common, sequence: 2, ...labels, historyId: '101', at: 200_000 },
        { ...common, sequence: 3, ...gone, historyId: '102', at: 300_000 },
      ]);
      expect((await mailbox.row()).changeSequence).toBe(3);
    });

    it('reads changes after a sequence number, up to a limit', async () => {
      const mailbox = open();
      await mailbox.save(...['a', 'b', 'c', 'd'].map((id) => reading(id)));
      const { changes } = await mailbox.store.readChangePage({ mailbox: mailbox.id, after: 1, limit: 2 });
      expect(changes.map((change) => [change.sequence, change.messageId])).toEqual([
        [2, 'b'],
        [3, 'c'],
      ]);
      expect(await mailbox.feed(4)).toEqual([]);
    });

    it('numbers changes without gaps, even where a transaction fails', async () => {
      const mailbox = open();
      await mailbox.save(reading('a'));
      const broken = { ...reading('b'), sizeEstimate: 1.5 };
      await expect(mailbox.save(reading('x'), broken)).rejects.toThrow(/INTEGER|integer|bigint/);
      await Promise.all(['c', 'd', 'e'].map((id) => mailbox.save(reading(id))));
      expect((await mailbox.changes()).map((change) => change.sequence)).toEqual([1, 2, 3, 4]);
      expect(Object.keys(await mailbox.labels())).toEqual(['a', 'c', 'd', 'e']);
    });

    it('streams stored messages only, each once, in pages', async () => {
      const mailbox = open();
      const ids = Array.from({ length: 123 }, (_, index) => `m${String(index).padStart(3, '0')}`);
      await mailbox.save(...ids.map((id) => reading(id)));
      await mailbox.apply([record(101, deleted('m007'), added('pending'), labelled('m009', 'TRASH'))], {
        generation: 0,
      });
      expect((await mailbox.messages()).map((message) => message.id)).toEqual(
        ids.filter((id) => id !== 'm007' && id !== 'm009'),
      );
    });

    it('goes on streaming while others write, without holding them up', async () => {
      const mailbox = open();
      await mailbox.save(...Array.from({ length: 120 }, (_, index) => reading(`m${String(index).padStart(3, '0')}`)));
      const seen: string[] = [];
      for await (const message of mailbox.store.streamMessages(mailbox.id)) {
        seen.push(message.id);
        if (seen.length === 10) await mailbox.apply([record(101, deleted('m000'), deleted('m119'))], { generation: 0 });
      }
      expect(seen).toHaveLength(119);
      expect(seen).not.toContain('m119');
    });

    it('can stop in the middle of a stream', async () => {
      const mailbox = open();
      await mailbox.save(reading('a'), reading('b'));
      for await (const message of mailbox.store.streamMessages(mailbox.id)) {
        expect(message.id).toBe('a');
        break;
      }
      expect(await mailbox.save(reading('c'))).toMatchObject({ stored: 1 });
    });
  });
}
