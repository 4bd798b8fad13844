import { describe, expect, it } from 'vitest';
import {
  added,
  deleted,
  h,
  l,
  labelled,
  reading,
  record,
  scope,
  unlabelled,
  useMailbox,
} from '../../fixtures/store/tested-store.ts';
import type { StoreFixture, TestMailbox } from '../../fixtures/store/tested-store.ts';

/** The last change: its kind, the labels it adds and removes, and why a message is gone. */
async function last(mailbox: TestMailbox): Promise<readonly unknown[]> {
  const change = (await mailbox.changes()).at(-1);
  if (change === undefined) throw new Error('nothing has changed');
  return [change.kind, change.added, change.removed, ...(change.kind === 'gone' ? [change.why] : [])];
}

async function begunWith(mailbox: TestMailbox, settings: Parameters<TestMailbox['put']>[0]): Promise<void> {
  mailbox.generation += 1;
  await mailbox.store.beginFullSync({
    mailbox: mailbox.id,
    generation: mailbox.generation,
    startHistoryId: h(200),
    now: mailbox.now,
    ...(settings === undefined ? {} : { settings }),
  });
}

export function changeDetails(fixture: StoreFixture): void {
  describe('a change', () => {
    const open = useMailbox(fixture);

    it('names the labels that a message gained and lost, in one record or several', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 40, labels: ['INBOX', 'X'] })]);
      expect(await last(mailbox)).toEqual(['stored', ['INBOX', 'X'], []]);
      await mailbox.apply([record(101, labelled('a', 'Y', 'Z')), record(102, unlabelled('a', 'X', 'Z'))]);
      expect(await last(mailbox)).toEqual(['labels', ['Y'], ['X']]);
    });

    it('names only the labels gained since, after one page has deleted a message and brought it back', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 40, labels: ['INBOX'] })]);
      await mailbox.apply([
        record(101, deleted('a')),
        record(102, added('a', ['INBOX', 'TRASH'])),
        record(103, unlabelled('a', 'TRASH')),
      ]);
      expect((await mailbox.changes()).map(({ kind }) => kind)).toEqual(['stored']);
      await mailbox.apply([record(104, labelled('a', 'STARRED'))]);
      expect(await last(mailbox)).toEqual(['labels', ['STARRED'], []]);
    });

    it('says that a deleted message was deleted', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 40 })]);
      await mailbox.apply([record(101, deleted('a'))]);
      expect(await last(mailbox)).toEqual(['gone', [], [], 'deleted']);
      expect(await mailbox.counts()).toMatchObject({ gone: 1, excluded: 0 });
    });

    it('says that a message left the scope, and by which label', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 40 })]);
      await mailbox.apply([record(101, labelled('a', 'TRASH'), unlabelled('a', 'INBOX'))]);
      expect(await last(mailbox)).toEqual(['gone', ['TRASH'], ['INBOX'], 'excluded']);
      expect(await mailbox.counts()).toMatchObject({ gone: 0, excluded: 1 });
    });

    it('names all labels of a message that comes back', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 40, labels: ['INBOX', 'X'] })]);
      await mailbox.apply([record(101, labelled('a', 'TRASH'))]);
      await mailbox.apply([record(102, unlabelled('a', 'TRASH'))]);
      expect(await last(mailbox)).toEqual(['stored', ['INBOX', 'X'], []]);
    });

    it('reports labels that change while a message waits for its other format', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 40, labels: ['INBOX'] })]);
      await begunWith(mailbox, { ...scope({}), format: 'raw' });
      await mailbox.list(['a']);
      await mailbox.listLabels({ INBOX: ['a'], X: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.counts()).toMatchObject({ pending: 1, stored: 0 });
      expect(await last(mailbox)).toEqual(['labels', ['X'], []]);
      await mailbox.saveAs('raw', reading('a', { at: 40, labels: ['INBOX', 'X'] }));
      expect(await last(mailbox)).toEqual(['stored', [], []]);
    });

    it('says excluded of what a narrower scope leaves out, and deleted of what is not listed at all', async () => {
      const mailbox = open();
      const [kept, old] = [
        { labels: ['X'], date: 5_000 },
        { labels: ['X'], date: 1_000 },
      ];
      await mailbox.sync([
        reading('deleted', kept),
        reading('other', { ...kept, labels: ['INBOX'] }),
        reading('old', old),
      ]);
      await begunWith(mailbox, scope({ labelIds: [l('X')], after: 2_000 }));
      expect(await mailbox.finish()).toEqual({ gone: 1, relabelled: 0 });
      const left = (await mailbox.changes()).flatMap((change) =>
        change.kind === 'gone' ? [[change.messageId, change.why]] : [],
      );
      expect(left).toEqual([
        ['deleted', 'deleted'],
        ['old', 'excluded'],
        ['other', 'excluded'],
      ]);
      expect(await mailbox.counts()).toMatchObject({ gone: 1, excluded: 2 });
    });

    it("says excluded, not deleted, of a message that only a label's listing still shows", async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['X'] })]);
      await begunWith(mailbox, scope({ labelIds: [l('X')] }));
      await mailbox.listLabels({ Y: ['a'] });
      await mailbox.finish({ labels: 'compared' });
      expect(await last(mailbox)).toEqual(['gone', [], [], 'excluded']);
    });

    it('makes an excluded message count as gone once it is deleted', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['INBOX'] })]);
      await begunWith(mailbox, scope({ labelIds: [l('X')] }));
      await mailbox.finish();
      expect(await mailbox.counts()).toMatchObject({ gone: 0, excluded: 1 });
      await mailbox.apply([record(201, deleted('a'))]);
      expect(await mailbox.counts()).toMatchObject({ gone: 1, excluded: 0 });
    });

    it('says deleted where one page of history deletes a message and adds it again', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { at: 40 })]);
      await mailbox.apply([record(101, deleted('a')), record(102, added('a'))]);
      expect(await last(mailbox)).toMatchObject(['gone', [], [], 'deleted']);
    });
  });
}
