import { describe, expect, test } from 'vitest';

import { historyId, mailboxId } from '../../src/model/ids.ts';
import type { EventDetails } from '../../src/model/subscribed-event.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { carriedState } from '../../src/workflows/carried-state.ts';
import { failureEvent } from '../../src/workflows/failure-event.ts';
import { planOf, startable } from '../../src/workflows/lane-plan.ts';
import { idleLanes } from '../../src/workflows/lane-scheduler.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { transition } from '../../src/workflows/transition.ts';
import { TODAY } from '../fixtures/temporal/todays-ways.ts';
import { NOTHING_SYNCED, OPENED_NEW } from '../fixtures/temporal/quiet-results.ts';

const T0 = 1_000_000;
const ADA = mailboxId('ada@example.com');
const MARK = historyId('100');
const COUNTS = { stored: 3, pending: 0, failed: 0 };
const fresh = (): MailboxState => initialState({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: T0 });

const OPENED: MailboxEvent = {
  kind: 'opened',
  ...OPENED_NEW,
  ...COUNTS,
};
const listed = (generation: number): MailboxEvent => ({ kind: 'listed', generation, historyId: MARK, ...COUNTS });
const sliced = (generation: number, isDoubted = false): MailboxEvent => ({
  kind: 'slice-fetched',
  generation,
  fetched: 1,
  complete: true,
  nextAttemptAt: null,
  isDoubted,
  ...COUNTS,
});
const STARTED: MailboxEvent = { kind: 'partial-sync-started' };
const synced = (asked = false): MailboxEvent => ({
  kind: 'partial-synced',
  historyId: MARK,
  ...NOTHING_SYNCED,
  asked,
  ...COUNTS,
});
const refused = (type = 'ConsentRevoked', asked = false): MailboxEvent =>
  failureEvent(type, 'The grant was revoked.', { lane: 'live', asked });
const EXPIRED: MailboxEvent = { kind: 'history-expired', message: 'it expired' };
const RECONNECTED: MailboxEvent = { kind: 'reconnected' };

const FULL_SYNC = [OPENED, listed(1), sliced(1), STARTED, synced()];
const after = (state: MailboxState, ...events: readonly MailboxEvent[]): MailboxState =>
  events.reduce((before, event) => transition(before, event, T0), state);
const pendingKinds = ({ events }: MailboxState): readonly EventDetails['kind'][] =>
  events.pending.map(({ details }) => details.kind);
/** A mailbox in sync whose events are all stored. */
const live = (): MailboxState => kept(after(fresh(), ...FULL_SYNC));
const kept = (state: MailboxState): MailboxState =>
  after(state, { kind: 'events-noted', ids: state.events.pending.map(({ id }) => id) });

describe('events for subscribers', () => {
  test('say once that a mailbox is in sync, when its first full sync and one more sync have ended', () => {
    expect(pendingKinds(after(fresh(), ...FULL_SYNC.slice(0, -1)))).toEqual([]);
    expect(pendingKinds(after(fresh(), ...FULL_SYNC, STARTED, synced(), STARTED, synced()))).toEqual(['in-sync']);
  });

  test('say once that consent is needed, however often Gmail is asked, and then that the mailbox is in sync', () => {
    const blocked = after(live(), refused(), refused('ConsentRevoked', true), refused('ConsentRevoked', true));
    expect(blocked.events.pending).toMatchObject([
      { at: T0, details: { kind: 'needs-consent', code: 'access-revoked', reason: 'The grant was revoked.' } },
    ]);
    expect(pendingKinds(after(blocked, synced(true)))).toEqual(['needs-consent', 'in-sync']);
    // Reconnecting proves nothing: only a sync does.
    expect(pendingKinds(after(blocked, RECONNECTED))).toEqual(['needs-consent']);
    expect(pendingKinds(after(blocked, RECONNECTED, STARTED, synced()))).toEqual(['needs-consent', 'in-sync']);
  });

  test('say again that consent is needed after an insufficient consent, and not after a resume', () => {
    const blocked = after(live(), refused());
    expect(pendingKinds(after(blocked, { kind: 'resumed' }, STARTED, refused()))).toEqual(['needs-consent']);
    expect(pendingKinds(after(blocked, RECONNECTED, STARTED, refused('OtherAccount')))).toEqual([
      'needs-consent',
      'needs-consent',
    ]);
  });

  test.each([
    ['ConsentRevoked', undefined, 'access-revoked'],
    [
      'ConsentRevoked',
      { kind: 'grant', mailbox: ADA, without: null, format: null, orLess: true } as const,
      'scope-missing',
    ],
    ['OtherAccount', undefined, 'other-account'],
    ['MailboxNotConnected', undefined, 'not-connected'],
  ])('name the cause: %s with the remedy %o is %s', (type, remedy, code) => {
    const event = failureEvent(type, 'It is refused.', { lane: 'live', asked: false }, remedy);
    expect(after(live(), event).events.pending[0]?.details).toMatchObject({ code });
  });

  test('say nothing of a mailbox that Gmail merely refuses', () => {
    const refusal = refused('MailboxUnavailable');
    expect(pendingKinds(after(live(), refusal, synced(true)))).toEqual([]);
  });

  test('say that a mailbox has recovered once it was listed and is in sync, also after consent was needed', () => {
    const recovery = [EXPIRED, listed(2), sliced(2), STARTED, synced()];
    expect(pendingKinds(after(live(), ...recovery.slice(0, -1)))).toEqual([]);
    expect(pendingKinds(after(live(), ...recovery))).toEqual(['recovered']);
    expect(pendingKinds(after(live(), refused(), ...recovery.map((event) => ({ ...event, asked: true }))))).toEqual([
      'needs-consent',
      'recovered',
      'in-sync',
    ]);
  });

  test('say that a mailbox is in sync, too, whose history expired before its first listing had ended', () => {
    const first = after(fresh(), OPENED, EXPIRED, listed(2), sliced(2), STARTED, synced());
    expect(pendingKinds(first)).toEqual(['recovered', 'in-sync']);
  });

  test('say nothing of a listing that is repeated because it was doubted', () => {
    const doubted = after(live(), sliced(1, true), listed(2), sliced(2), STARTED, synced());
    expect(doubted.completedGeneration).toBe(2);
    expect(pendingKinds(doubted)).toEqual([]);
  });

  test('say nothing new of a mailbox that is started again and is already in sync', () => {
    const opened = { ...OPENED, historyId: MARK, generation: 3, step: 'done' } as const;
    expect(pendingKinds(after(fresh(), opened, sliced(3), STARTED, synced()))).toEqual([]);
    const fetching = { ...opened, step: 'fetching' } as const;
    expect(pendingKinds(after(fresh(), fetching, sliced(3), STARTED, synced()))).toEqual(['in-sync']);
  });
});

describe('events that the store does not hold yet', () => {
  test('have different ids, and are stored by a lane of their own, even while the mailbox is blocked', () => {
    const state = after(after(fresh(), ...FULL_SYNC), refused());
    expect(new Set(state.events.pending.map(({ id }) => id)).size).toBe(2);
    const lanes = idleLanes(state);
    expect(startable(lanes, planOf(lanes, T0, TODAY), false)).toEqual([{ lane: 'events' }]);
    expect(pendingKinds(kept(state))).toEqual([]);
    expect(planOf(idleLanes(kept(state)), T0, TODAY).note).toBeUndefined();
  });

  test('wait while the mailbox is paused, and in a run that began without the patch', () => {
    const state = after(fresh(), ...FULL_SYNC);
    const before = { ...TODAY, notesEvents: () => false };
    expect(planOf(idleLanes(state), T0, before).note).toBeUndefined();
    expect(planOf(idleLanes(after(state, { kind: 'paused' })), T0, TODAY).note).toBeUndefined();
  });

  test('are tried again a minute after a failure, which is shown', () => {
    const failed = after(
      after(fresh(), ...FULL_SYNC),
      failureEvent('Unexpected', 'no', { lane: 'events', asked: false }),
    );
    expect(failed.lastError).toMatchObject({ message: 'no', mendedAt: null });
    expect(planOf(idleLanes(failed), T0, TODAY).note).toBeUndefined();
    expect(planOf(idleLanes(failed), T0 + 60_000, TODAY).note).toBe(true);
    expect(kept(failed).lastError).toMatchObject({ mendedAt: T0 });
  });

  test('start both delivery lanes when something waits for them', () => {
    const state = after(fresh(), ...FULL_SYNC);
    const [{ id } = { id: '' }] = state.events.pending;
    const next = after(state, { kind: 'events-noted', ids: [id], deliverable: true, webhooks: true });
    expect(planOf(idleLanes(next), T0, TODAY).deliver).toEqual(['delivery', 'webhook']);
  });

  test('are carried over, and a state from a build without events is completed', () => {
    const state = after(fresh(), ...FULL_SYNC, refused());
    expect(carriedState(fresh(), state).events).toEqual(state.events);
    const { events: _, ...older } = after(fresh(), OPENED, listed(1));
    const carried = carriedState(fresh(), JSON.parse(JSON.stringify(older)) as MailboxState);
    expect(pendingKinds(after(carried, sliced(1), STARTED, synced()))).toEqual(['in-sync']);
  });
});
