import { describe, expect, it } from 'vitest';
import {
  attachmentDataOf,
  historyPageOf,
  labelsIn,
  messagePageOf,
  profileOf,
  watchOf,
} from '../../src/gmail/api/answers.ts';
import { fetchedMessageOf, threadMessagesOf } from '../../src/gmail/api/message-answers.ts';

const ROUNDED = 2 ** 53;

describe('a historyId', () => {
  it('may come unquoted, as in the guides of Google, and is a string from then on', () => {
    expect(profileOf({ emailAddress: 'ada@example.com', historyId: 1234567890 }).historyId).toBe('1234567890');
    expect(watchOf({ historyId: 1234567890, expiration: 1431990098200 })).toEqual({
      historyId: '1234567890',
      expiration: 1431990098200,
    });
    expect(historyPageOf({ history: [{ id: 12 }], historyId: 13 })).toEqual({
      records: [{ id: '12', operations: [] }],
      nextPageToken: null,
      historyId: '13',
    });
    expect(fetchedMessageOf({ id: 'm', threadId: 't', historyId: 12 }, null, 'minimal').historyId).toBe('12');
  });

  it('keeps its digits where it comes as a string', () => {
    expect(watchOf({ historyId: '9223372036854775807', expiration: '1431990098200' })).toEqual({
      historyId: '9223372036854775807',
      expiration: 1431990098200,
    });
  });

  it.each([ROUNDED, -1, 1.5, '', '12a', null, undefined, true, '9223372036854775808', '18446744073709551615'])(
    'cannot be %o',
    (value) => {
      expect(() => profileOf({ emailAddress: 'ada@example.com', historyId: value })).toThrow(/./);
      expect(() => historyPageOf({ historyId: value })).toThrow(/./);
      expect(() => fetchedMessageOf({ id: 'm', threadId: 't', historyId: value }, null, 'minimal')).toThrow(/./);
    },
  );
});

describe('what is absent', () => {
  it.each([undefined, null, ''])('a page token of %o means no next page', (nextPageToken) => {
    expect(messagePageOf({ nextPageToken }).nextPageToken).toBeNull();
    expect(historyPageOf({ nextPageToken, historyId: '1' }).nextPageToken).toBeNull();
  });

  it.each([undefined, null])('a list that is %o is empty', (nothing) => {
    expect(messagePageOf({ messages: nothing }).messages).toEqual([]);
    expect(historyPageOf({ history: nothing, historyId: '1' }).records).toEqual([]);
    const lists = { messagesAdded: nothing, labelsAdded: nothing, labelsRemoved: nothing, messagesDeleted: nothing };
    expect(historyPageOf({ history: [{ id: '1', ...lists }], historyId: '1' }).records).toEqual([
      { id: '1', operations: [] },
    ]);
    const added = { messagesAdded: [{ message: { id: 'm', threadId: 't', labelIds: nothing } }] };
    expect(historyPageOf({ history: [{ id: '1', ...added }], historyId: '1' }).records[0]?.operations).toMatchObject([
      { kind: 'added', labelIds: null },
    ]);
    expect(
      fetchedMessageOf({ id: 'm', threadId: 't', historyId: '1', labelIds: nothing }, null, 'minimal').labelIds,
    ).toEqual([]);
    expect(threadMessagesOf({ id: 't', messages: nothing }, 'minimal').messages).toEqual([]);
  });

  it.each([{}, { labels: null }, { labels: [{ id: 'STARRED', name: 'STARRED' }] }])(
    'a list of labels without the inbox is malformed: %o',
    (answer) => {
      expect(() => labelsIn(answer)).toThrow('INBOX');
    },
  );

  it('a list that is something else is malformed', () => {
    expect(() => messagePageOf({ messages: {} })).toThrow(/./);
    expect(() => historyPageOf({ history: 'none', historyId: '1' })).toThrow(/./);
  });
});

const MESSAGE = { id: 'm', threadId: 't', historyId: '7' };

describe('a value of a message that Gmail would never send', () => {
  it.each([1.5, 1e30, 2 ** 53, -1, Number.NaN, '12', null, {}])('a size of %o counts as 0', (sizeEstimate) => {
    expect(fetchedMessageOf({ ...MESSAGE, sizeEstimate }, null, 'minimal').sizeEstimate).toBe(0);
  });

  it.each([
    { sizeEstimate: 5, lacks: 'raw' },
    { sizeEstimate: 4, lacks: undefined },
    { sizeEstimate: undefined, lacks: 'raw' },
    { sizeEstimate: 1.5, lacks: 'raw' },
  ])('four raw bytes are a whole chat only if its sizeEstimate ($sizeEstimate) says so', ({ sizeEstimate, lacks }) => {
    const chat = { ...MESSAGE, labelIds: ['CHAT'], raw: Buffer.from('text').toString('base64url'), sizeEstimate };
    expect(fetchedMessageOf(chat, null, 'raw').lacks).toBe(lacks);
  });

  it.each(['9007199254740993', '1e30', '8640000000000001', 'yesterday', '', 1.5, {}, null])(
    'a date of %o counts as missing',
    (internalDate) => {
      expect(fetchedMessageOf({ ...MESSAGE, internalDate }, null, 'minimal').internalDate).toBeNull();
    },
  );

  it('a date may lie before 1970, and may come unquoted', () => {
    expect(fetchedMessageOf({ ...MESSAGE, internalDate: '-1000' }, null, 'minimal').internalDate).toBe(-1_000);
    expect(fetchedMessageOf({ ...MESSAGE, internalDate: 1_431_990_098_200 }, null, 'minimal').internalDate).toBe(
      1_431_990_098_200,
    );
  });

  it('a snippet is reduced to what a database can hold', () => {
    expect(fetchedMessageOf({ ...MESSAGE, snippet: 'a\0b\ud800c' }, null, 'minimal').snippet).toBe('a\ufffdb\ufffdc');
    expect(
      fetchedMessageOf({ ...MESSAGE, snippet: 'a'.repeat(1_000_000) }, null, 'minimal').snippet.length,
    ).toBeLessThan(10_000);
  });

  it('impossible label ids are left out, and the others kept', () => {
    expect(
      fetchedMessageOf(
        { ...MESSAGE, labelIds: ['INBOX', 'a\0b', 'a\nb', '', 7, 'x'.repeat(10_000), '\ud800', 'Label_ä'] },
        null,
        'minimal',
      ).labelIds,
    ).toEqual(['INBOX', 'Label_ä']);
  });

  it.each([
    [{ threadId: 't', historyId: '7' }, 'id is missing'],
    [{ ...MESSAGE, id: 'm\0' }, 'id is no id'],
    [{ ...MESSAGE, threadId: 't'.repeat(10_000) }, 'threadId is no id'],
    [{ ...MESSAGE, historyId: '18446744073709551615' }, 'historyId is no number of 63 bits'],
    [{ ...MESSAGE, labelIds: 'INBOX' }, 'labelIds is no list'],
    [
      { ...MESSAGE, labelIds: Array.from({ length: 20_000 }, (_, index) => `L${index}`) },
      'it has more than 10000 labels',
    ],
    [[], 'the message is no object'],
  ])('a wrong id, history id or list of labels makes the message malformed: %#', (json, reason) => {
    expect(() => fetchedMessageOf(json, null, 'minimal')).toThrow(reason);
  });
});

describe('a payload', () => {
  it.each([undefined, null])('of %o is missing', (payload) => {
    expect(() => fetchedMessageOf({ ...MESSAGE, payload }, null, 'full')).toThrow('the answer has no payload');
    expect(() => fetchedMessageOf({ ...MESSAGE, payload }, null, 'metadata')).toThrow('the answer has no payload');
  });

  it.each([
    7,
    'x',
    [],
    { parts: {} },
    { parts: [null] },
    { parts: [{ parts: [{ body: 'x' }] }] },
    { body: { data: 7 } },
    { body: { attachmentId: {} } },
  ])('of %j is no tree of parts', (payload) => {
    expect(() => fetchedMessageOf({ ...MESSAGE, payload }, null, 'full')).toThrow('its payload is no tree of parts');
  });

  it('may be one empty part', () => {
    expect(fetchedMessageOf({ ...MESSAGE, payload: {} }, null, 'full').attachments).toEqual({ count: 0, held: true });
  });
});

describe('a thread', () => {
  it('keeps its other messages where one is unreadable or of another thread', () => {
    const messages = [
      MESSAGE,
      { ...MESSAGE, id: 'broken', historyId: 'x' },
      { ...MESSAGE, id: 'stray', threadId: 'other' },
      null,
      { ...MESSAGE, id: 'n' },
    ];
    const { messages: fetched, unreadable } = threadMessagesOf({ id: 't', messages }, 'minimal');
    expect(fetched.map(({ id }) => id)).toEqual(['m', 'n']);
    expect([...unreadable]).toEqual([
      ['broken', 'historyId is no number of 63 bits'],
      ['stray', 'the thread holds a message of another thread'],
    ]);
  });

  it('may hold a message that is nested 20,000 levels deep', () => {
    const depth = 20_000;
    const message: unknown = JSON.parse(
      `{"id":"m","threadId":"t","historyId":"7","payload":${'{"parts":['.repeat(depth)}{}${']}'.repeat(depth)}}`,
    );
    const [reading] = threadMessagesOf({ id: 't', messages: [message] }, 'full').messages;
    expect(Buffer.from(reading?.body ?? []).toString()).toContain(
      `${'{"parts":['.repeat(depth)}{}${']}'.repeat(depth)}`,
    );
  });

  it('may hold a message of 200,000 parts that lie deep within others', () => {
    const [depth, width] = [20_000, 200_000];
    const payload = `${'{"parts":['.repeat(depth)}${Array(width).fill('{}').join()}${']}'.repeat(depth)}`;
    const message: unknown = JSON.parse(`{"id":"m","threadId":"t","historyId":"7","payload":${payload}}`);
    const [reading] = threadMessagesOf({ id: 't', messages: [message] }, 'full').messages;
    expect(reading?.attachments).toEqual({ count: 0, held: true });
    expect(
      Buffer.from(reading?.body ?? [])
        .toString()
        .includes(payload),
    ).toBe(true);
  });
});

describe('a list with entries that are unusable', () => {
  it('of ids keeps the usable ones; when most are unusable, the answer is malformed', () => {
    const listed = (...messages: unknown[]) =>
      messagePageOf({ messages }).messages.map(({ id, threadId }) => `${id} ${threadId}`);
    expect(listed({ id: 'm', threadId: 't' }, { id: 'a\0', threadId: 't' }, { id: 'n', threadId: 7 })).toEqual([
      'm t',
      'n n',
    ]);
    expect(() => listed({ id: 'm', threadId: 't' }, {}, {})).toThrow(/most entries/);
  });

  it('of history keeps the other operations, and the usable labels', () => {
    const message = { id: 'm', threadId: 't' };
    const record = {
      id: '5',
      messagesAdded: [{ message: { ...message, labelIds: 'INBOX' } }, { message: {} }],
      labelsAdded: [
        { message, labelIds: ['A', 'b\nc'] },
        { message: null, labelIds: ['A'] },
      ],
      messagesDeleted: [{ message: { id: '\0' } }],
    };
    expect(historyPageOf({ history: [record], historyId: '9' }).records).toEqual([
      {
        id: '5',
        operations: [
          { kind: 'added', messageId: 'm', threadId: 't', labelIds: null },
          { kind: 'labelsAdded', messageId: 'm', threadId: 't', labelIds: ['A'] },
        ],
      },
    ]);
    expect(() => historyPageOf({ history: [{ ...record, id: '18446744073709551615' }], historyId: '9' })).toThrow(
      /63 bits/,
    );
    expect(() =>
      historyPageOf({ history: [{ id: '5', labelsAdded: [{ message, labelIds: 'A' }] }], historyId: '9' }),
    ).toThrow(/./);
  });

  it('of labels keeps the others', () => {
    expect(labelsIn({ labels: [{ id: 'INBOX' }, { id: 'a\0b', name: 'x' }, { id: 'L', name: 7 }] })).toEqual([
      { id: 'INBOX', name: 'INBOX', type: 'user' },
      { id: 'L', name: 'L', type: 'user' },
    ]);
  });

  it.each([7, {}, 'a\nb', 'a'.repeat(100_000)])('is malformed with a page token of %o', (nextPageToken) => {
    expect(() => messagePageOf({ nextPageToken })).toThrow(/./);
  });
});

describe('an attachment', () => {
  it('of no bytes is empty', () => {
    expect(attachmentDataOf({ size: 0 })).toBe('');
    expect(attachmentDataOf({ attachmentId: 'a', size: 0, data: '' })).toBe('');
  });

  it.each([{}, { size: 3 }, { size: 3, data: 'a*b=' }, { size: 3, data: 'abcde' }, { data: 7 }])(
    'is malformed as %o',
    (json) => {
      expect(() => attachmentDataOf(json)).toThrow(/./);
    },
  );
});

describe('a RAW body', () => {
  const rawOf = (raw: unknown) => fetchedMessageOf({ ...MESSAGE, raw }, null, 'raw').body;
  const messageOf = (raw: unknown) => fetchedMessageOf({ ...MESSAGE, raw }, null, 'raw');

  it('is base64url, or base64, with or without padding', () => {
    for (const raw of ['aGk_aA==', 'aGk_aA', 'aGk/aA==']) expect(Buffer.from(rawOf(raw) ?? []).toString()).toBe('hi?h');
  });

  it.each(['a*b', 'aGk_aA==xx', 'abcde', 'ab cd', 'ab\ncd', 'ä', undefined, null, '', 7])(
    'is lacking where Gmail answers %o',
    (raw) => {
      expect(messageOf(raw)).toMatchObject({ id: 'm', body: null, lacks: 'raw' });
    },
  );
});
