import { describe, expect, test } from 'vitest';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { answeredTime, answeredWatch, withBoundedTimes } from '../../src/workflows/answered-time.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { transition } from '../../src/workflows/transition.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOW = 10 * DAY;
const AHEAD = NOW + 10 * MINUTE;
const COUNTS = { stored: 0, pending: 0, failed: 0 };

const sliced = (over: Partial<Extract<MailboxEvent, { kind: 'slice-fetched' }>>): MailboxEvent => ({
  kind: 'slice-fetched',
  generation: 1,
  fetched: 10,
  complete: false,
  nextAttemptAt: null,
  ...COUNTS,
  ...over,
});
const synced = (over: Partial<Extract<MailboxEvent, { kind: 'partial-synced' }>>): MailboxEvent => ({
  kind: 'partial-synced',
  historyId: historyId('200'),
  changed: true,
  more: false,
  nextAttemptAt: null,
  failedAttemptAt: null,
  settleAt: null,
  ...COUNTS,
  ...over,
});

describe('a time that an activity answered', () => {
  test("is the workflow's time plus the answered delay, whatever the worker's clock says", () => {
    expect(answeredTime(0, AHEAD, NOW, DAY)).toBe(NOW);
    expect(answeredTime(5_000, AHEAD + 5_000, NOW, DAY)).toBe(NOW + 5_000);
  });

  test('is now when it has passed', () => {
    expect(answeredTime(-5_000, AHEAD, NOW, DAY)).toBe(NOW);
  });

  test('is no further away than its rule allows', () => {
    expect(answeredTime(3 * DAY, AHEAD, NOW, DAY)).toBe(NOW + DAY);
  });

  test('is kept as it is when a worker of an earlier version answers no delay', () => {
    expect(answeredTime(undefined, AHEAD, NOW, DAY)).toBe(AHEAD);
    expect(answeredTime(undefined, null, NOW, DAY)).toBeNull();
  });
});

describe('a watch that an activity answered', () => {
  test('has its renewals in the server’s time, and its expiration in Gmail’s', () => {
    const ofWorker = {
      renewedAt: AHEAD - MINUTE,
      renewAt: AHEAD - MINUTE + DAY,
      expiration: NOW + 7 * DAY,
      isRenewed: true,
      renewedAgo: MINUTE,
      renewIn: DAY - MINUTE,
    };
    expect(answeredWatch(ofWorker, NOW)).toEqual({
      renewedAt: NOW - MINUTE,
      renewAt: NOW + DAY - MINUTE,
      expiration: NOW + 7 * DAY,
      isRenewed: true,
    });
  });

  test('is kept as a worker of an earlier version reports it', () => {
    const watch = { renewedAt: NOW, renewAt: NOW + DAY, expiration: NOW + 7 * DAY, isRenewed: false };
    expect(answeredWatch(watch, NOW)).toEqual(watch);
  });
});

describe('times of a worker of an earlier version, whose clock is ahead', () => {
  test('let a backfill that has messages pending wait at most two minutes', () => {
    expect(withBoundedTimes(sliced({ nextAttemptAt: AHEAD }), NOW)).toMatchObject({ nextAttemptAt: NOW + 2 * MINUTE });
  });

  test('let failed messages wait at most 30 days, and a daily budget at most 25 hours', () => {
    expect(withBoundedTimes(sliced({ complete: true, nextAttemptAt: NOW + 300 * DAY }), NOW)).toMatchObject({
      nextAttemptAt: NOW + 30 * DAY,
    });
    expect(withBoundedTimes(sliced({ nextAttemptAt: NOW + 3 * DAY, heldUntil: NOW + 3 * DAY }), NOW)).toMatchObject({
      nextAttemptAt: NOW + 25 * 60 * MINUTE,
      heldUntil: NOW + 25 * 60 * MINUTE,
    });
  });

  test('are bounded for the settled read, the renewal of a watch, and the wait for Gmail', () => {
    const watch = { renewedAt: NOW + DAY, renewAt: NOW + 2 * DAY, expiration: NOW + 7 * DAY, isRenewed: true };
    expect(withBoundedTimes(synced({ settleAt: NOW + DAY, watch }), NOW)).toMatchObject({
      settleAt: NOW + MINUTE,
      watch: { renewedAt: NOW, renewAt: NOW + DAY, expiration: NOW + 7 * DAY },
    });
    expect(withBoundedTimes({ kind: 'rate-limited', until: NOW + 3 * DAY, message: 'wait' }, NOW)).toMatchObject({
      until: NOW + DAY,
    });
  });

  test.each<MailboxEvent>([
    sliced({ nextAttemptAt: NOW + MINUTE }),
    sliced({ nextAttemptAt: null }),
    sliced({ nextAttemptAt: AHEAD, nextAttemptIn: 0 }),
    synced({ settleAt: NOW + 31_000 }),
    synced({ settleAt: AHEAD, settleIn: 31_000, watch: null }),
    { kind: 'rate-limited', until: NOW + MINUTE, message: 'wait' },
    { kind: 'poked' },
  ])('are left as they are when they are plausible: %j', (event) => {
    expect(withBoundedTimes(event, NOW)).toBe(event);
  });
});

test('a wait for Gmail is shown in the server’s time', () => {
  const state = initialState({ mailbox: mailboxId('ada@example.com'), settings: DEFAULT_SETTINGS, now: NOW });
  expect(
    transition(state, { kind: 'rate-limited', until: AHEAD + MINUTE, waitFor: MINUTE, message: 'wait' }, NOW)
      .rateLimited?.until,
  ).toBe(NOW + MINUTE);
  expect(
    transition(state, { kind: 'rate-limited', until: NOW + MINUTE, message: 'wait' }, NOW).rateLimited?.until,
  ).toBe(NOW + MINUTE);
});
