import { describe, expect, test } from 'vitest';

import { byOurClock, dateOf, withDates } from '../../src/gmail/api/gmail-date.ts';
import type { GmailFailure } from '../../src/gmail/api/gmail-error.ts';

const GMAIL = Date.UTC(2026, 0, 10, 12);
const answer = (headers: Record<string, string> = { date: new Date(GMAIL).toUTCString() }) => ({
  status: 429,
  headers,
  body: Buffer.alloc(0),
});
const until = (retryAt: number | null): GmailFailure => ({ kind: 'rate-limited', limit: 'user', retryAt });

describe('the time of an answer', () => {
  test('is passed on from its Date header', async () => {
    const seen: number[] = [];
    await withDates(
      async () => answer(),
      (date) => seen.push(date),
    )({ method: 'GET', url: 'https://gmail.example', headers: {} });
    await withDates(
      async () => answer({}),
      (date) => seen.push(date),
    )({ method: 'GET', url: 'https://gmail.example', headers: {} });
    expect(seen).toEqual([GMAIL]);
  });

  test.each<Record<string, string>>([
    {},
    { date: '' },
    { date: 'noon' },
    { date: new Date(GMAIL).toUTCString(), age: '60' },
  ])('is not known with the headers %j', (headers) => {
    expect(dateOf(answer(headers))).toBeNull();
  });
});

describe('a time until which Gmail asks to wait', () => {
  test.each([600_000, -600_000, 86_400_000])('is equally far away by a clock that is %i ms ahead', (ahead) => {
    expect(byOurClock(until(GMAIL + 15_000), answer(), GMAIL + ahead)).toEqual(until(GMAIL + ahead + 15_000));
  });

  test('is Gmail’s to the millisecond where the clocks agree, or where the answer has no time', () => {
    expect(byOurClock(until(GMAIL + 15_000), answer(), GMAIL + 1_200)).toEqual(until(GMAIL + 15_000));
    expect(byOurClock(until(GMAIL + 15_000), answer({}), GMAIL + 600_000)).toEqual(until(GMAIL + 15_000));
    expect(byOurClock(until(null), answer(), GMAIL + 600_000)).toEqual(until(null));
  });
});
