import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { MalformedAnswerError } from '../../src/gmail/api/answer-values.ts';
import { historyPageOf, labelsIn, messagePageOf, profileOf } from '../../src/gmail/api/answers.ts';
import { fetchedMessageOf, threadMessagesOf } from '../../src/gmail/api/message-answers.ts';
import type { FetchedMessage } from '../../src/model/change.ts';
import { compareHistoryIds, historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS, type MessageFormat } from '../../src/model/settings.ts';
import type { Stores } from '../../src/store/open-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const ADA = mailboxId('ada@example.com');
const NEWEST = historyId('9223372036854775807');

let stores: Stores;
beforeAll(async () => {
  stores = await openMemoryStores();
  await stores.store.putMailbox({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: 1 });
});
afterAll(async () => {
  await stores.credentials.close();
  await stores.store.close();
});

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'a',
    'b\0',
    'c\n',
    '\ud800',
    '',
    '12',
    '-5',
    '1e30',
    '18446744073709551615',
    '9223372036854775808',
    'x'.repeat(5_000),
  ),
);
const anything = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.constantFrom(null, true, 2 ** 53, 1e30, Number.NaN),
  fc.array(text),
  fc.object({ maxDepth: 2 }),
);
/** A value as Gmail has it, or anything. */
const mostly = (usual: unknown) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: anything });
const message = fc.record(
  {
    id: mostly('m'),
    threadId: mostly('t'),
    labelIds: fc.oneof(fc.constant(['INBOX']), fc.array(mostly('UNREAD')), anything),
    historyId: mostly('7'),
    internalDate: mostly('1795000000000'),
    sizeEstimate: mostly(100),
    snippet: mostly('hello'),
    raw: mostly('aGk'),
    payload: anything,
  },
  { requiredKeys: [] },
);
const format = fc.constantFrom<MessageFormat>('full', 'raw', 'metadata', 'minimal');

/** What was read, or null where the answer is malformed. Any other error is a failure. */
function read<Read>(reading: () => Read): Read | null {
  try {
    return reading();
  } catch (error) {
    if (error instanceof MalformedAnswerError || (error instanceof Error && error.name.includes('ZodError')))
      return null;
    throw error;
  }
}

function expectUsable({
  id,
  threadId,
  labelIds,
  historyId: newest,
  internalDate,
  sizeEstimate,
  snippet,
}: FetchedMessage): void {
  for (const name of [id, threadId, ...labelIds]) expect(/^[^\p{Cc}\p{Cs}]{1,256}$/u.test(name)).toBe(true);
  expect(compareHistoryIds(newest, NEWEST)).toBeLessThanOrEqual(0);
  expect(Number.isSafeInteger(sizeEstimate) && sizeEstimate >= 0).toBe(true);
  expect(internalDate === null || !Number.isNaN(new Date(internalDate).getTime())).toBe(true);
  expect(snippet.isWellFormed() && !snippet.includes('\0') && snippet.length <= 2_000).toBe(true);
}

it('any message is malformed or becomes a row', async () => {
  await fc.assert(
    fc.asyncProperty(message, format, async (json, asked) => {
      const reading = read(() => fetchedMessageOf(json, null, asked));
      if (reading === null) return;
      expectUsable(reading);
      await stores.store.saveFetched({ mailbox: ADA, messages: [reading], format: asked, now: 1 });
    }),
    { numRuns: 500 },
  );
});

it('any thread or list is malformed or has only usable entries', () => {
  const page = fc.record(
    { messages: fc.oneof(fc.array(message), anything), nextPageToken: mostly('token') },
    { requiredKeys: [] },
  );
  const entry = fc.record(
    { message, labelIds: fc.oneof(fc.array(mostly('A')), anything) },
    { requiredKeys: ['message'] },
  );
  const history = fc.record(
    {
      history: fc.oneof(
        fc.array(
          fc.record(
            {
              id: mostly('5'),
              messagesAdded: fc.array(entry),
              labelsAdded: fc.array(entry),
              messagesDeleted: fc.array(entry),
            },
            { requiredKeys: ['id'] },
          ),
        ),
        anything,
      ),
      historyId: mostly('9'),
      nextPageToken: mostly('token'),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(page, history, format, (listed, changes, asked) => {
      for (const reading of read(() => threadMessagesOf({ id: 't', ...listed }, asked))?.messages ?? [])
        expectUsable(reading);
      for (const { id, threadId } of read(() => messagePageOf(listed))?.messages ?? [])
        expectUsable({
          id,
          threadId,
          labelIds: [],
          historyId: NEWEST,
          internalDate: null,
          sizeEstimate: 0,
          snippet: '',
          body: null,
        });
      const historyPage = read(() => historyPageOf(changes));
      for (const mark of [
        historyPage?.historyId,
        ...(historyPage?.records ?? []).map(({ id }) => id),
        read(() => profileOf(changes))?.historyId,
      ])
        expect(compareHistoryIds(mark ?? NEWEST, NEWEST)).toBeLessThanOrEqual(0);
      read(() => labelsIn(listed));
    }),
    { numRuns: 500 },
  );
});
