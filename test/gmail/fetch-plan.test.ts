import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planFetch, type WantedMessage } from '../../src/gmail/quota/fetch-plan.ts';
import { messageId, threadId } from '../../src/model/ids.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';

const PRICES = PRICE_TABLES['2026'];
const FULL = { format: 'full', attachments: false } as const;

function thread(
  name: string,
  wanted: number,
  { threadSize = wanted, attempts = 0, lacking = null as number | null } = {},
): WantedMessage[] {
  return Array.from({ length: wanted }, (_, i) => ({
    id: messageId(`${name}-${i}`),
    threadId: threadId(name),
    threadSize,
    attempts,
    lacking,
  }));
}

const kinds = (wanted: readonly WantedMessage[], format: 'full' | 'raw' = 'full'): string[] =>
  planFetch(wanted, { format, attachments: false }, PRICES).map(({ request }) => request.kind);

describe('the fetch plan', () => {
  test('fetches a thread as a whole from three wanted messages on', () => {
    expect(kinds(thread('a', 2))).toEqual(['message', 'message']);
    expect(kinds(thread('a', 3))).toEqual(['thread']);
  });

  test('prices a thread by what is wanted of it, not by its size', () => {
    expect(kinds(thread('a', 2, { threadSize: 30 }))).toEqual(['message', 'message']);
  });

  test('fetches raw messages one by one: threads.get has no raw format', () => {
    expect(kinds(thread('a', 3), 'raw')).toEqual(['message', 'message', 'message']);
  });

  test('splits a thread that is too large to hold', () => {
    expect(kinds(thread('a', 101))).toEqual(Array(101).fill('message'));
  });

  test('fetches a message that failed before by itself, beside its thread', () => {
    const plan = planFetch(
      [
        ...thread('a', 3),
        ...thread('bad', 1, { attempts: 1 }).map((message) => ({ ...message, threadId: threadId('a') })),
      ],
      FULL,
      PRICES,
    );
    expect(plan.map(({ request }) => request)).toEqual([
      { kind: 'thread', id: 'a' },
      { kind: 'message', id: 'bad-0' },
    ]);
  });

  test('fetches all attachments of a held message by one RAW get, after everything else', () => {
    const held = thread('a', 3, { lacking: 4 });
    const plan = planFetch([...held, ...thread('b', 1)], { format: 'full', attachments: true }, PRICES);
    expect(plan.map(({ request, units, completes }) => ({ ...request, units, completes }))).toEqual([
      { kind: 'message', id: 'b-0', units: 20, completes: false },
      ...held.map(({ id }) => ({ kind: 'message', id, format: 'raw', units: 20, completes: true })),
    ]);
  });

  test('fetches messages that lack attachments as a whole where no attachments are wanted', () => {
    expect(kinds(thread('a', 3, { lacking: 4 }))).toEqual(['thread']);
    expect(planFetch(thread('a', 1, { lacking: 4 }), { format: 'raw', attachments: false }, PRICES)).toMatchObject([
      { completes: false },
    ]);
  });

  test('spends the least money where requests cost some, and of equal sums the fewest units', () => {
    const costing = (get: number, whole: number) => ({
      ...PRICES,
      requestPrices: { currency: 'USD', per1000: { 'messages.get': get, 'threads.get': whole } },
    });
    const kindsAt = (get: number, whole: number, wanted: number): string[] => [
      ...new Set(planFetch(thread('a', wanted), FULL, costing(get, whole)).map(({ request }) => request.kind)),
    ];
    expect(kindsAt(1, 1, 2), 'one request in place of two').toEqual(['thread']);
    expect(kindsAt(1, 4, 3), 'a dear request in place of three').toEqual(['message']);
    expect(kindsAt(1, 3, 3), 'the same money, fewer units').toEqual(['thread']);
    expect(kindsAt(0, 0, 2), 'both free, the same units').toEqual(['message']);
  });

  test('serves every wanted message once, at the lowest price', () => {
    const threads = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 20 });
    fc.assert(
      fc.property(threads, (sizes) => {
        const wanted = sizes.flatMap((size, i) => thread(`t${i}`, size));
        const plan = planFetch(wanted, FULL, PRICES);
        expect(plan.flatMap(({ serves }) => serves.map(({ id }) => id)).sort()).toEqual(
          wanted.map(({ id }) => id).sort(),
        );
        expect(plan.reduce((sum, { units }) => sum + units, 0)).toBe(
          sizes.reduce((sum, size) => sum + Math.min(20 * size, 40), 0),
        );
      }),
    );
  });
});
