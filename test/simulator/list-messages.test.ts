import { describe, expect, it } from 'vitest';
import { fill, openSimulator, plain, type IdPage } from '../fixtures/gmail/simulator-fixture.ts';

describe('messages.list', () => {
  it('lists newest first, 100 a page unless asked otherwise, 500 at most', async () => {
    const { mailbox, user } = await openSimulator();
    const ids = fill(mailbox, 620);
    const usual = await user.get<IdPage>('messages');
    expect(usual.body.messages?.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 100));
    expect((await user.get<IdPage>('messages', { maxResults: '9999' })).body.messages).toHaveLength(500);
    expect(await user.listAll({ maxResults: '37' })).toEqual(ids.toReversed());
  });

  it('sorts mail in that arrives with an older date', async () => {
    const { mailbox, user } = await openSimulator();
    const insert = (internalDate: number): string =>
      mailbox.insert({ raw: plain('x'), labelIds: ['INBOX'], internalDate }).id;
    const ids = [insert(3_000_000), insert(1_000_000), insert(2_000_000)];
    expect(await user.listAll()).toEqual([ids[0], ids[2], ids[1]]);
  });

  it('hides spam and trash unless asked for', async () => {
    const { mailbox, user } = await openSimulator();
    const [inbox] = fill(mailbox, 1);
    const [spam] = fill(mailbox, 1, ['SPAM']);
    const [trash] = fill(mailbox, 1, ['TRASH']);
    expect(await user.listAll()).toEqual([inbox]);
    expect(new Set(await user.listAll({ includeSpamTrash: 'true' }))).toEqual(new Set([inbox, spam, trash]));
    expect(await user.listAll({ labelIds: 'SPAM' })).toEqual([spam]);
    expect(await user.listAll({ q: 'in:trash' })).toEqual([trash]);
  });

  it('lists messages that have every label asked for, and refuses an unknown label', async () => {
    const { mailbox, user } = await openSimulator();
    fill(mailbox, 1, ['INBOX']);
    const [both] = fill(mailbox, 1, ['INBOX', 'STARRED']);
    expect(await user.listAll({ labelIds: ['INBOX', 'STARRED'] })).toEqual([both]);
    expect((await user.get('messages', { labelIds: 'Label_99' })).status).toBe(400);
  });

  it('leaves the field out when nothing is found', async () => {
    const { user } = await openSimulator();
    expect((await user.get('messages')).body).toEqual({ resultSizeEstimate: 0 });
  });

  it('goes on from page to page through mail that claims to be older than 1970, or from a far future', async () => {
    const { mailbox, user } = await openSimulator();
    const dates = [8_640_000_000_000_000, 1_000, 5, 0, -1, -5_000, -62_000_000_000_000];
    const ids = dates.map((date) => mailbox.insert({ raw: plain('x'), labelIds: [], internalDate: date }).id);
    const pages: number[] = [];
    const seen = await user.listAll({ maxResults: '1' }, () => {
      if (pages.push(1) > ids.length) throw new Error('the listing does not end');
    });
    expect(seen).toEqual(ids);
  });

  it('goes on at the same place with cursor tokens when messages vanish between pages', async () => {
    const { mailbox, user } = await openSimulator();
    const ids = fill(mailbox, 6).toReversed();
    const seen = await user.listAll({ maxResults: '2' }, () => {
      const gone = ids[1] ?? '';
      if (mailbox.truth().some(({ id }) => id === gone)) mailbox.delete(gone);
    });
    expect(seen).toEqual(ids);
  });

  it('skips a message with offset tokens when an earlier one vanishes between pages', async () => {
    const { mailbox, user } = await openSimulator();
    mailbox.paging.tokens = 'offset';
    const ids = fill(mailbox, 6).toReversed();
    const seen = await user.listAll({ maxResults: '2' }, () => {
      const gone = ids[1] ?? '';
      if (mailbox.truth().some(({ id }) => id === gone)) mailbox.delete(gone);
    });
    expect(seen).toEqual(ids.filter((_, i) => i !== 2));
  });

  it('may answer smaller pages than asked for', async () => {
    const { mailbox, user } = await openSimulator();
    mailbox.paging.listPage = 2;
    const ids = fill(mailbox, 5);
    expect((await user.get<IdPage>('messages', { maxResults: '500' })).body.messages).toHaveLength(2);
    expect(await user.listAll()).toEqual(ids.toReversed());
  });

  it('refuses a page token that it never gave and a maxResults that is no number', async () => {
    const { user } = await openSimulator();
    expect((await user.get('messages', { pageToken: 'nonsense' })).status).toBe(400);
    expect((await user.get('messages', { maxResults: 'many' })).status).toBe(400);
  });

  it('cuts the answer down to the fields asked for', async () => {
    const { mailbox, user } = await openSimulator();
    const [id] = fill(mailbox, 1);
    expect((await user.get('messages', { fields: 'messages(id)' })).body).toEqual({ messages: [{ id }] });
    expect((await user.get('messages', { fields: 'messages/id,resultSizeEstimate' })).body).toEqual({
      messages: [{ id }],
      resultSizeEstimate: 1,
    });
    expect((await user.get('messages', { fields: 'messages(id' })).status).toBe(400);
  });
});

describe('threads.list', () => {
  it('lists each thread once, where its newest matching message stands', async () => {
    const { mailbox, user } = await openSimulator();
    const insert = (minute: number, threadId?: string): { id: string; threadId: string } =>
      mailbox.insert({
        raw: plain(`at ${minute}`, `body ${minute}`),
        labelIds: ['INBOX'],
        threadId,
        internalDate: minute * 60_000,
      });
    const old = insert(1);
    const middle = insert(2);
    insert(3, old.threadId);
    interface ThreadPage {
      threads: { id: string; snippet: string; historyId: string }[];
      nextPageToken?: string;
    }
    const first = await user.get<ThreadPage>('threads', { maxResults: '1' });
    expect(first.body.threads).toEqual([{ id: old.threadId, snippet: 'body 3', historyId: mailbox.historyId }]);
    const second = await user.get<ThreadPage>('threads', {
      maxResults: '1',
      pageToken: first.body.nextPageToken ?? '',
    });
    expect(second.body.threads.map(({ id }) => id)).toEqual([middle.threadId]);
    expect(second.body.nextPageToken).toBeUndefined();
  });
});

describe('a search', () => {
  const start = Date.UTC(2026, 5, 10, 12);

  it.each([
    ['after:2026/06/10', ['new', 'odd']],
    [`before:${start / 1000}`, ['old']],
    [`after:${start / 1000} before:${start / 1000 + 1}`, ['new']],
    ['older_than:1y', []],
    ['newer_than:2y', ['new', 'odd', 'old']],
    ['label:work-projects', ['new']],
    ['in:inbox is:unread', ['new']],
    ['is:read', ['odd', 'old']],
    ['from:grace', ['new', 'odd', 'old']],
    ['subject:"two words"', ['old']],
    ['subject:two', ['old']],
    ['needle', ['odd']],
    ['-needle', ['new', 'old']],
    ['needle OR subject:two', ['odd', 'old']],
    ['{needle label:work-projects}', ['new', 'odd']],
    ['-(needle OR is:unread)', ['old']],
    ['has:attachment', []],
    ['larger:1M', []],
    ['label:nothing', []],
  ])('for %s finds what Gmail would', async (q, expected) => {
    const { mailbox, user, clock } = await openSimulator();
    const label = mailbox.createLabel('Work/Projects');
    const ids: Record<string, string> = {
      new: mailbox.insert({ raw: plain('new'), labelIds: ['INBOX', 'UNREAD', label.id], internalDate: start }).id,
      odd: mailbox.insert({ raw: plain('odd', 'a needle in hay'), labelIds: ['INBOX'], internalDate: start + 60_000 })
        .id,
      old: mailbox.insert({ raw: plain('two words'), labelIds: ['SENT'], internalDate: start - 30 * 86_400_000 }).id,
    };
    expect(clock.now()).toBeGreaterThan(start);
    const found = await user.listAll({ q });
    expect(Object.keys(ids).filter((name) => found.includes(ids[name] ?? ''))).toEqual(expected);
  });
});
