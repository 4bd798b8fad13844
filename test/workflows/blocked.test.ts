import { describe, expect, test } from 'vitest';

import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { askDelay, type BlockCause } from '../../src/workflows/blocked.ts';
import { detailsOf } from '../../src/workflows/details.ts';
import { failureEvent } from '../../src/workflows/failure-event.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { questionOf } from '../../src/workflows/lane-requests.ts';
import { transition } from '../../src/workflows/transition.ts';
import { carriedState } from '../../src/workflows/carried-state.ts';
import { initialState, phaseOf, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { planNext } from '../../src/workflows/plan.ts';
import { NOTHING_SYNCED } from '../fixtures/temporal/quiet-results.ts';

const T0 = 1_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const COUNTS = { stored: 1, pending: 0, failed: 0 };
const NOTHING = { live: null, backfill: null };

const live: MailboxState = {
  ...initialState({ mailbox: mailboxId('ada@example.com'), settings: DEFAULT_SETTINGS, now: T0 }),
  historyId: historyId('100'),
  generation: 1,
  completedGeneration: 1,
  fullSync: { kind: 'done' },
};
const refused = (over: Partial<Extract<MailboxEvent, { kind: 'blocked' }>> = {}): MailboxEvent => ({
  kind: 'blocked',
  block: 'failed',
  cause: 'refusal',
  message: 'Gmail refuses',
  lane: 'live',
  asked: false,
  ...over,
});
const synced = (asked?: boolean): MailboxEvent => ({
  kind: 'partial-synced',
  historyId: historyId('200'),
  ...NOTHING_SYNCED,
  ...COUNTS,
  ...(asked === undefined ? {} : { asked }),
});
const failed = transition(live, refused(), T0);

/** The times at which a mailbox asks that stays blocked for `time`. */
function asksWithin(cause: BlockCause, time: number): number[] {
  const at: number[] = [];
  for (let now = askDelay(cause, 0); now <= time; now += askDelay(cause, at.length)) at.push(now);
  return at;
}

describe('a blocked mailbox asks', () => {
  test('after a refusal: in a minute, every 66 minutes for a day, every four hours for another, then daily', () => {
    const asks = asksWithin('refusal', 5 * DAY);
    const pauses = asks.map((at, index) => at - (asks[index - 1] ?? 0));
    expect(pauses[0]).toBe(MINUTE);
    const within = (from: number, to: number) =>
      pauses.slice(1).filter((_, index) => (asks[index] ?? 0) >= from && (asks[index] ?? 0) < to);
    expect(new Set(within(0, DAY))).toEqual(new Set([66 * MINUTE]));
    expect(new Set(within(DAY, 2 * DAY))).toEqual(new Set([4 * HOUR]));
    expect(new Set(within(2 * DAY + HOUR, 5 * DAY))).toEqual(new Set([DAY]));
  });

  test('after a refusal: 22 times on the first day, which leaves two calls to find that out', () => {
    expect(asksWithin('refusal', DAY)).toHaveLength(22);
  });

  test('after the end of its grant: in an hour, then daily, which leaves two calls to find that out', () => {
    expect(asksWithin('consent', 3 * DAY).map((at) => at / HOUR)).toEqual([1, 25, 49]);
  });

  test('without credentials: hourly, since that costs no calls to Gmail', () => {
    expect(asksWithin('credentials', DAY)).toHaveLength(24);
  });
});

describe('a blocked mailbox', () => {
  test('does nothing until it is time to ask, despite pokes', () => {
    const poked = transition(
      transition(failed, { kind: 'poked' }, T0),
      { kind: 'notified', historyId: historyId('300') },
      T0,
    );
    expect(planNext(poked, T0 + MINUTE - 1)).toEqual({ ...NOTHING, wakeAt: T0 + MINUTE });
    expect(planNext(transition(poked, { kind: 'sync-requested' }, T0), T0)).toEqual({
      ...NOTHING,
      wakeAt: T0 + MINUTE,
    });
  });

  test('asks only in the lane that was refused', () => {
    expect(planNext(failed, T0 + MINUTE)).toEqual({ live: 'partialSync', backfill: null, wakeAt: null });
    const backfill = transition(
      { ...live, fullSync: { kind: 'fetching' }, nextSliceAt: T0 },
      refused({ lane: 'backfill' }),
      T0,
    );
    expect(planNext(backfill, T0 + MINUTE)).toEqual({ live: null, backfill: { activity: 'fetchSlice' }, wakeAt: null });
    const first = transition(
      { ...live, historyId: null, fullSync: { kind: 'listing', reason: 'initial' } },
      refused({ lane: 'backfill' }),
      T0,
    );
    expect(planNext(first, T0 + MINUTE).backfill).toEqual({ activity: 'fullSync', reason: 'initial' });
    expect(questionOf(failed)).toEqual({ ask: true });
    expect(questionOf(live)).toEqual({});
  });

  test('asks by a read of history when the lane that was refused has nothing left to do', () => {
    expect(planNext(transition(live, refused({ lane: 'backfill' }), T0), T0 + MINUTE)).toEqual({
      live: 'partialSync',
      backfill: null,
      wakeAt: null,
    });
  });

  test('asks the store first when its settings were changed, and then Gmail', () => {
    const configured = transition(failed, { kind: 'configured', settings: { ...DEFAULT_SETTINGS, format: 'raw' } }, T0);
    expect(planNext(configured, T0 + MINUTE).backfill).toEqual({ activity: 'openMailbox' });
    const opened = transition(
      configured,
      { kind: 'opened', historyId: historyId('100'), generation: 1, step: 'done', settingsChanged: true, ...COUNTS },
      T0 + MINUTE,
    );
    expect(phaseOf(opened)).toBe('failed');
    expect(planNext(opened, T0 + MINUTE)).toMatchObject({ live: 'partialSync' });
  });

  test('waits 66 minutes after each of its first questions, and says since when and how often it asked', () => {
    let state = failed;
    for (const delay of [66 * MINUTE, 66 * MINUTE, 66 * MINUTE]) {
      const now = state.blocked?.retryAt ?? 0;
      state = transition(state, refused({ asked: true }), now);
      expect(state.blocked).toMatchObject({ since: T0, retryAt: now + delay });
    }
    expect(state.blocked?.asks).toBe(3);
    expect(detailsOf(state)).toContain('3 attempts failed so far');
  });

  test('does not ask later because the other lane met the same refusal', () => {
    expect(transition(failed, refused({ lane: 'backfill' }), T0 + 5).blocked).toEqual(failed.blocked);
  });

  test('counts its questions from zero when another cause replaces the first', () => {
    const revoked = transition(
      failed,
      failureEvent('ConsentRevoked', 'connect it again', { lane: 'live', asked: true }),
      T0 + MINUTE,
    );
    expect(phaseOf(revoked)).toBe('needs-consent');
    expect(revoked.blocked).toMatchObject({ since: T0 + MINUTE, asks: 0, retryAt: T0 + MINUTE + HOUR });
  });

  test('goes on where it was when Gmail answers its question', () => {
    const poked = transition(failed, { kind: 'poked' }, T0);
    const asking = transition(poked, { kind: 'partial-sync-started' }, T0 + MINUTE);
    expect(asking.pokedAt, 'what waited is no lag').toEqual({ waiting: null, serving: null });
    const back = transition(asking, synced(true), T0 + MINUTE);
    expect(phaseOf(back)).toBe('live');
    expect(back.blocked).toBeNull();
    const expired = transition(
      failed,
      failureEvent('HistoryExpired', 'expired', { lane: 'live', asked: true }),
      T0 + MINUTE,
    );
    expect(phaseOf(expired)).toBe('recovering');
  });

  test('stays blocked when work that was already under way succeeds', () => {
    expect(transition(failed, synced(), T0 + 1).blocked).toEqual(failed.blocked);
  });

  test('asks nothing while it is paused', () => {
    const paused = transition(failed, { kind: 'paused' }, T0);
    expect(planNext(paused, T0 + DAY)).toEqual({ ...NOTHING, wakeAt: null });
    expect(detailsOf(paused)).toContain('nothing is asked before the signal `resume`');
  });

  test.each(['resumed', 'reconnected'] as const)(
    'goes on at once when it is %s, and asks in a minute if it is refused again',
    (kind) => {
      const asked = transition(failed, refused({ asked: true }), T0 + HOUR);
      const back = transition(asked, { kind }, T0 + HOUR + 1);
      expect(planNext(back, T0 + HOUR + 1).live).toBe('partialSync');
      expect(transition(back, refused(), T0 + 2 * HOUR).blocked).toMatchObject({
        asks: 0,
        retryAt: T0 + 2 * HOUR + MINUTE,
      });
    },
  );

  test('of an earlier version, which waited only for a person, asks at once', () => {
    const carried = JSON.parse(
      JSON.stringify({
        ...live,
        phaseSince: T0 - DAY,
        blocked: { kind: 'needs-consent', message: 'connect it again' },
      }),
    ) as MailboxState;
    const state = carriedState(live, carried);
    expect(state.blocked).toEqual({
      kind: 'needs-consent',
      message: 'connect it again',
      cause: 'consent',
      lane: 'live',
      since: T0 - DAY,
      asks: 0,
      retryAt: 0,
    });
    expect(planNext(state, T0).live).toBe('partialSync');
    expect(carriedState(live, null).blocked).toBeNull();
  });
});
