import { describe, expect, it } from 'vitest';
import { historyPageOf, labelsOf, messagePageOf, profileOf, readingOf, threadReadingsOf, watchOf } from '../../src/gmail/answers.ts';

const ROUNDED = 2 ** 53;

describe('a historyId', () => {
  it('may come unquoted, as in the guides of Google, and is a string from then on', () => {
    expect(profileOf({ emailAddress: 'ada@example.com', historyId: 1234567890 }).historyId).toBe('1234567890');
    expect(watchOf({ historyId: 1234567890, expiration: 1431990098200 })).toEqual({ historyId: '1234567890', expiration: 1431990098200 });
    expect(historyPageOf({ history: [{ id: 12 }], historyId: 13 })).toEqual({ records: [{ id: '12', operations: [] }], nextPageToken: null, historyId: '13' });
    expect(readingOf({ id: 'm', threadId: 't', historyId: 12 }, null, 'minimal').historyId).toBe('12');
  });

  it('keeps its digits where it comes as a string', () => {
    expect(watchOf({ historyId: '18446744073709551615', expiration: '1431990098200' })).toEqual({ historyId: '18446744073709551615', expiration: 1431990098200 });
  });

  it.each([ROUNDED, -1, 1.5, '', '12a', null, undefined, true])('%o is none', (value) => {
    expect(() => profileOf({ emailAddress: 'ada@example.com', historyId: value })).toThrow(/./);
    expect(() => historyPageOf({ historyId: value })).toThrow(/./);
    expect(() => readingOf({ id: 'm', threadId: 't', historyId: value }, null, 'minimal')).toThrow(/./);
  });
});

describe('what is absent', () => {
  it.each([undefined, null, ''])('a next page named by %o is none', (nextPageToken) => {
    expect(messagePageOf({ nextPageToken }).nextPageToken).toBeNull();
    expect(historyPageOf({ nextPageToken, historyId: '1' }).nextPageToken).toBeNull();
  });

  it.each([undefined, null])('a list that is %o is empty', (nothing) => {
    expect(messagePageOf({ messages: nothing }).messages).toEqual([]);
    expect(historyPageOf({ history: nothing, historyId: '1' }).records).toEqual([]);
    const lists = { messagesAdded: nothing, labelsAdded: nothing, labelsRemoved: nothing, messagesDeleted: nothing };
    expect(historyPageOf({ history: [{ id: '1', ...lists }], historyId: '1' }).records).toEqual([{ id: '1', operations: [] }]);
    const added = { messagesAdded: [{ message: { id: 'm', threadId: 't', labelIds: nothing } }] };
    expect(historyPageOf({ history: [{ id: '1', ...added }], historyId: '1' }).records[0]?.operations).toMatchObject([{ kind: 'added', labelIds: null }]);
    expect(readingOf({ id: 'm', threadId: 't', historyId: '1', labelIds: nothing }, null, 'minimal').labelIds).toEqual([]);
    expect(threadReadingsOf({ id: 't', messages: nothing }, 'minimal').readings).toEqual([]);
  });

  it.each([{}, { labels: null }, { labels: [{ id: 'STARRED', name: 'STARRED' }] }])('a list of labels without the inbox is no answer: %o', (answer) => {
    expect(() => labelsOf(answer)).toThrow('INBOX');
  });

  it('a list that is something else is malformed', () => {
    expect(() => messagePageOf({ messages: {} })).toThrow(/./);
    expect(() => historyPageOf({ history: 'none', historyId: '1' })).toThrow(/./);
  });
});
