import { describe, expect, it } from 'vitest';
import { fill, openSimulator, plain, type ErrorBody, type HistoryBody } from '../fixtures/gmail/simulator-fixture.ts';

describe('history', () => {
  it('has ids beyond 2^53 that grow by random steps, and the head in the profile', async () => {
    const { mailbox, user } = await openSimulator();
    const heads = [mailbox.historyId];
    for (let i = 0; i < 5; i++) {
      fill(mailbox, 1);
      heads.push(mailbox.historyId);
    }
    const steps = heads.slice(1).map((head, i) => BigInt(head) - BigInt(heads[i] ?? '0'));
    expect(BigInt(heads[0] ?? '0') > 2n ** 53n).toBe(true);
    expect(steps.every((step) => step > 0n)).toBe(true);
    expect(new Set(steps).size).toBeGreaterThan(1);
    const { body } = await user.get<{ historyId: string }>('profile');
    expect(body.historyId).toBe(heads.at(-1));
  });

  it('reports additions, label changes and deletions in the order they happened', async () => {
    const { mailbox, user } = await openSimulator();
    const start = mailbox.historyId;
    const { id, threadId } = mailbox.insert({ raw: plain('one'), labelIds: ['INBOX', 'UNREAD'] });
    mailbox.removeLabels(id, ['UNREAD']);
    mailbox.addLabels(id, ['STARRED']);
    mailbox.delete(id);

    const { history = [], historyId } = await user.history(start);

    expect(historyId).toBe(mailbox.historyId);
    expect(history).toMatchObject([
      { messages: [{ id, threadId }], messagesAdded: [{ message: { id, threadId, labelIds: ['INBOX', 'UNREAD'] } }] },
      {
        messages: [{ id, threadId }],
        labelsRemoved: [{ message: { id, threadId, labelIds: ['INBOX'] }, labelIds: ['UNREAD'] }],
      },
      {
        messages: [{ id, threadId }],
        labelsAdded: [{ message: { id, threadId, labelIds: ['INBOX', 'STARRED'] }, labelIds: ['STARRED'] }],
      },
      {
        messages: [{ id, threadId }],
        messagesDeleted: [{ message: { id, threadId, labelIds: ['INBOX', 'STARRED'] } }],
      },
    ]);
  });

  it('sends a message to the trash with one record that adds TRASH and removes INBOX', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    const start = mailbox.historyId;
    mailbox.trash(id);
    const { history = [] } = await user.history(start);
    expect(history).toHaveLength(1);
    expect(history[0]?.labelsAdded?.[0]?.labelIds).toEqual(['TRASH']);
    expect(history[0]?.labelsRemoved?.[0]?.labelIds).toEqual(['INBOX']);
    mailbox.untrash(id);
    expect(mailbox.truth()[0]?.labelIds).toEqual([]);
  });

  it('makes no record of a change that changes nothing', async () => {
    const { mailbox } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    const head = mailbox.historyId;
    mailbox.addLabels(id, ['INBOX']);
    mailbox.removeLabels(id, ['STARRED']);
    expect(mailbox.historyId).toBe(head);
  });

  it('gives a message the id of the last record that changed it', async () => {
    const { mailbox, user } = await openSimulator();
    const [first = '', second = ''] = fill(mailbox, 2);
    mailbox.addLabels(first, ['STARRED']);
    const head = mailbox.historyId;
    mailbox.addLabels(second, ['STARRED']);
    const { body } = await user.get<{ historyId: string }>(`messages/${first}`, { format: 'minimal' });
    expect(body.historyId).toBe(head);
  });

  it('keeps one record for many messages, and splits it over pages under one id', async () => {
    const { mailbox, user } = await openSimulator();
    const ids = fill(mailbox, 7);
    const start = mailbox.historyId;
    mailbox.modify(ids, { add: ['STARRED'] });
    mailbox.paging.operationsPerRecord = 2;

    const seen: string[] = [];
    const recordIds = new Set<string>();
    let pages = 0;
    for (let pageToken: string | undefined = ''; pageToken !== undefined; pages++) {
      const page: HistoryBody = await user.history(
        start,
        pageToken === '' ? { maxResults: '1' } : { maxResults: '1', pageToken },
      );
      for (const record of page.history ?? []) {
        recordIds.add(record.id);
        seen.push(...(record.labelsAdded ?? []).map(({ message }) => message.id));
      }
      pageToken = page.nextPageToken;
    }
    expect(pages).toBe(4);
    expect(recordIds.size).toBe(1);
    expect(seen).toEqual(ids);
  });

  it('may answer a page without records but with a next page, a limited number of times', async () => {
    const { mailbox, user } = await openSimulator();
    const start = mailbox.historyId;
    fill(mailbox, 3);
    mailbox.paging.emptyPages = 1;
    const empty = await user.history(start, { maxResults: '2' });
    expect(empty).toEqual({ historyId: mailbox.historyId, nextPageToken: expect.any(String) as string });
    const full = await user.history(start, { maxResults: '2', pageToken: empty.nextPageToken ?? '' });
    expect(full.history).toHaveLength(2);
  });

  it('answers 404 from an expired start, and still answers from the last records kept', async () => {
    const { mailbox, user } = await openSimulator();
    const heads = Array.from({ length: 4 }, () => {
      fill(mailbox, 1);
      return mailbox.historyId;
    });
    const [, lost = '', kept = ''] = heads;
    mailbox.expireHistory({ keepLast: 1 });
    expect((await user.get<ErrorBody>('history', { startHistoryId: lost })).status).toBe(404);
    expect((await user.history(kept)).history).toHaveLength(1);

    mailbox.expireHistory();
    const reply = await user.get<ErrorBody>('history', { startHistoryId: kept });
    expect(reply.status).toBe(404);
    expect(reply.body.error).toMatchObject({
      code: 404,
      status: 'NOT_FOUND',
      errors: [{ reason: 'notFound', domain: 'global' }],
    });
    expect((await user.history(mailbox.historyId)).history).toBeUndefined();
  });

  it('answers 404 for a start before the mailbox or beyond its head, and 400 for one that is no number', async () => {
    const { mailbox, user } = await openSimulator();
    const beyond = (BigInt(mailbox.historyId) + 1n).toString();
    expect((await user.get('history', { startHistoryId: '1' })).status).toBe(404);
    expect((await user.get('history', { startHistoryId: beyond })).status).toBe(404);
    expect((await user.get('history', { startHistoryId: 'x' })).status).toBe(400);
    expect((await user.get('history')).status).toBe(400);
  });

  it('filters by the singular history types and refuses their plural names', async () => {
    const { mailbox, user } = await openSimulator();
    const start = mailbox.historyId;
    const [id = ''] = fill(mailbox, 1);
    mailbox.addLabels(id, ['STARRED']);
    const { history = [] } = await user.history(start, { historyTypes: ['labelAdded', 'labelRemoved'] });
    expect(history.map((record) => Object.keys(record))).toEqual([['id', 'messages', 'labelsAdded']]);
    expect((await user.get('history', { startHistoryId: start, historyTypes: 'messagesAdded' })).status).toBe(400);
  });

  it('filters by label', async () => {
    const { mailbox, user } = await openSimulator();
    const start = mailbox.historyId;
    fill(mailbox, 1, ['SENT']);
    const [inbox] = fill(mailbox, 1, ['INBOX']);
    const { history = [] } = await user.history(start, { labelId: 'INBOX' });
    expect(history.flatMap((record) => record.messages.map(({ id }) => id))).toEqual([inbox]);
  });

  it('leaves labelIds out of its messages when a command says so', async () => {
    const { mailbox, user } = await openSimulator();
    mailbox.paging.labelIdsInHistory = false;
    const start = mailbox.historyId;
    fill(mailbox, 1);
    const { history = [] } = await user.history(start);
    expect(history[0]?.messagesAdded?.[0]?.message.labelIds).toBeUndefined();
  });

  it('replaces the message of a draft that is saved again', async () => {
    const { mailbox, user } = await openSimulator();
    const first = mailbox.saveDraft('d1', plain('draft'));
    const start = mailbox.historyId;
    const second = mailbox.saveDraft('d1', plain('draft, better'));
    expect(second.id).not.toBe(first.id);
    expect(second.threadId).toBe(first.threadId);
    const { history = [] } = await user.history(start);
    expect(history.flatMap((record) => (record.messagesAdded ?? []).map(({ message }) => message.id))).toEqual([
      second.id,
    ]);
    expect(history.flatMap((record) => (record.messagesDeleted ?? []).map(({ message }) => message.id))).toEqual([
      first.id,
    ]);
    expect(mailbox.truth().map(({ id }) => id)).toEqual([second.id]);
  });

  it('adds a restored message again under its old id', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    mailbox.delete(id);
    const start = mailbox.historyId;
    mailbox.restore(id);
    const { history = [] } = await user.history(start);
    expect(history.map((record) => record.messagesAdded?.[0]?.message.id)).toEqual([id]);
    expect(await user.listAll()).toEqual([id]);
  });

  it('takes a deleted label off its messages with records, and renames a label without a record', async () => {
    const { mailbox, user } = await openSimulator();
    const label = mailbox.createLabel('Trips');
    const ids = fill(mailbox, 3, ['INBOX', label.id]);
    const start = mailbox.historyId;
    mailbox.renameLabel(label.id, 'Journeys');
    expect(mailbox.historyId).toBe(start);
    mailbox.deleteLabel(label.id);
    const { history = [] } = await user.history(start);
    expect(history.flatMap((record) => (record.labelsRemoved ?? []).map(({ message }) => message.id)).sort()).toEqual(
      [...ids].sort(),
    );
    expect(mailbox.labels().some(({ id }) => id === label.id)).toBe(false);
  });
});
