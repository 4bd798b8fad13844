import { describe, expect, test } from 'vitest';
import { afterFailure, afterMissing, afterNoRaw, afterStaleReading } from '../../src/activities/failed-fetches.ts';
import type { GmailFailure } from '../../src/gmail/api/gmail-error.ts';
import { messageId, threadId } from '../../src/model/ids.ts';
import type { FailedFetch, PendingMessage } from '../../src/store/fetching/fetching-store.ts';
import { pendingMessage } from '../fixtures/store/pending-message.ts';

const NOW = 1_000_000;
/** Seconds. */
const DAY = 86_400;
/** Seconds between the attempts of a message that has failed. */
const EVER_MORE_RARELY = [60, 300, 1_800, 7_200, 21_600, ...[1, 3, 7, 14, 30, 30, 30].map((days) => days * DAY)];
const message = (attempts: number, lastError: string | null = null): PendingMessage =>
  pendingMessage({ id: messageId('m1'), threadId: threadId('t1'), attempts, lastError, discoveredAt: NOW });

/** The states and delays that a message goes through when every fetch of it fails alike. */
function course(failure: GmailFailure, attempts: number): [string, number][] {
  const states: [string, number][] = [];
  let failing = message(0);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const after = afterFailure(failing, failure, NOW);
    if (after === null) continue;
    states.push([after.state, (after.nextAttemptAt - NOW) / 1_000]);
    failing = message(after.attempts, after.error);
  }
  return states;
}

describe('a message whose fetch fails', () => {
  test("with 404 seems gone only after more than a minute, since Gmail's index lags", () => {
    expect(course({ kind: 'not-found' }, 6)).toEqual([
      ['pending', 3],
      ['pending', 6],
      ['pending', 12],
      ['pending', 24],
      ['pending', 48],
      ['seems-gone', 0],
    ]);
  });

  test('with 404 after other failures is counted from one, and does not seem gone for one answer', () => {
    let failing = message(0);
    for (const status of [503, 503, 503, 503, 503]) {
      const { attempts, error } = afterFailure(failing, { kind: 'unavailable', status }, NOW) ?? {
        attempts: 0,
        error: null,
      };
      failing = message(attempts, error);
    }
    expect(failing.attempts).toBe(5);
    expect(afterFailure(failing, { kind: 'not-found' }, NOW)).toMatchObject({
      state: 'pending',
      attempts: 1,
      nextAttemptAt: NOW + 3_000,
    });
  });

  test('with 5xx is failed after five attempts, and then tried ever more rarely', () => {
    const states = course({ kind: 'unavailable', status: 500 }, 16);
    expect(states.slice(0, 5).map(([state]) => state)).toEqual(['pending', 'pending', 'pending', 'pending', 'failed']);
    expect(states.slice(4).map(([, delay]) => delay)).toEqual(EVER_MORE_RARELY);
  });

  test('with 400 is failed after two attempts', () => {
    expect(course({ kind: 'invalid-request', reason: 'failed' }, 2).map(([state]) => state)).toEqual([
      'pending',
      'failed',
    ]);
  });

  test.each<[GmailFailure, string]>([
    [{ kind: 'unavailable', status: 200, detail: 'the answer has no raw' }, 'the answer has no raw'],
    [{ kind: 'unavailable', status: 503 }, 'Gmail answers 503'],
    // A success status alone would not say what was wrong with the answer.
    [{ kind: 'unavailable', status: 204 }, 'no usable answer (HTTP 204)'],
    [{ kind: 'unavailable', status: null }, 'no answer'],
    [{ kind: 'invalid-request', reason: 'failedPrecondition' }, 'Gmail refuses this message: failedPrecondition'],
  ])('records the reason: %o', (failure, error) => {
    expect(afterFailure(message(0), failure, NOW)).toMatchObject({ error });
  });

  test('costs at most ten gets on its first day, and thirty in a year', () => {
    const within = (days: number, failure: GmailFailure): number => {
      let seconds = 0;
      return course(failure, 40).filter(([, delay]) => (seconds += delay) - delay < days * DAY).length;
    };
    for (const failure of [
      { kind: 'unavailable', status: 500 },
      { kind: 'invalid-request', reason: 'failed' },
    ] as const) {
      expect(within(1, failure)).toBeLessThanOrEqual(10);
      expect(within(365, failure)).toBeLessThanOrEqual(30);
    }
  });

  test.each<GmailFailure>([
    { kind: 'rate-limited', limit: 'user', retryAt: null },
    { kind: 'consent-revoked' },
    { kind: 'scope-missing' },
    { kind: 'scope-barred' },
  ])('is not blamed for a failure of the whole mailbox: %o', (failure) => {
    expect(afterFailure(message(0), failure, NOW)).toBeNull();
  });

  const WHY_NO_RAW: readonly GmailFailure[] = [
    { kind: 'unavailable', status: 500 },
    { kind: 'unavailable', status: 503 },
    { kind: 'invalid-request', reason: 'failed' },
  ];

  test.each<[string, (message: PendingMessage) => FailedFetch]>([
    ['attachments', (lacking) => afterMissing(lacking, { missing: 1, count: 2, failure: { kind: 'not-found' } }, NOW)],
    ['raw', (lacking) => afterNoRaw(lacking, null, NOW)],
    ['raw, for whatever reason,', (lacking) => afterNoRaw(lacking, WHY_NO_RAW[lacking.attempts % 3] ?? null, NOW)],
  ])('has its missing %s fetched again ever more rarely, whatever failed before', (_, after) => {
    const delays: number[] = [];
    let lacking = message(3, 'Gmail answers 503');
    for (let answers = 0; answers < 4; answers++) {
      const { attempts, error, nextAttemptAt } = after(lacking);
      delays.push((nextAttemptAt - NOW) / 1_000);
      lacking = message(attempts, error);
    }
    expect(delays).toEqual([600, 21_600, 3 * DAY, 14 * DAY]);
  });

  test('because a replica is stale is tried again soon, then rarely, and holds nothing up after 90 s', () => {
    const attempts = Array.from({ length: 17 }, (_, attempt) => afterStaleReading(message(attempt), NOW));
    expect(attempts.map(({ nextAttemptAt }) => (nextAttemptAt - NOW) / 1_000)).toEqual([
      3,
      6,
      12,
      24,
      48,
      ...EVER_MORE_RARELY,
    ]);
    expect(attempts.map(({ state }) => state)).toEqual([
      ...Array<string>(5).fill('pending'),
      ...Array<string>(12).fill('failed'),
    ]);
  });
});
