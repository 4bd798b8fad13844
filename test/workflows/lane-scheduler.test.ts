import { describe, expect, it } from 'vitest';

import { historyId, mailboxId } from '../../src/model/ids.ts';
import { completeSettings } from '../../src/model/settings-change.ts';
import { planOf, startable } from '../../src/workflows/lane-plan.ts';
import {
  answered,
  freed,
  idleLanes,
  received,
  started,
  type LaneState,
  type Ways,
} from '../../src/workflows/lane-scheduler.ts';
import { isOver } from '../../src/workflows/lane-wait.ts';
import { shownOf } from '../../src/workflows/shown-state.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { TODAY } from '../fixtures/temporal/todays-ways.ts';
import { NOTHING_SYNCED, OPENED_NEW } from '../fixtures/temporal/quiet-results.ts';

const NOW = Date.UTC(2026, 0, 10);
const settings = completeSettings({});
const OPENED: MailboxEvent = {
  kind: 'opened',
  ...OPENED_NEW,
  stored: 0,
  pending: 0,
  failed: 0,
};
const REFUSED: MailboxEvent = {
  kind: 'blocked',
  block: 'failed',
  cause: 'refusal',
  message: 'refused',
  lane: 'backfill',
  asked: false,
};

/** A new mailbox whose backfill lane is asking the store. */
const opening = (): LaneState => {
  const fresh = idleLanes(initialState({ mailbox: mailboxId('ada@example.com'), settings, now: NOW }));
  return started(fresh, 'backfill', NOW, TODAY);
};
const hear = (lanes: LaneState, event: MailboxEvent) => received(lanes, event, NOW, TODAY);

describe('a lane under way', () => {
  it.each([
    ['paused', { kind: 'paused' }],
    ['stop-requested', { kind: 'stop-requested' }],
  ] as const)('is cancelled by %s, whichever lane it is', (_, event) => {
    const both = started(opening(), 'live', NOW, TODAY);
    expect(hear(both, event).cancel).toEqual(['live', 'backfill']);
  });

  it.each([
    ['a resync', { kind: 'resync-requested' }],
    ['a configuration', { kind: 'configured', settings }],
  ] as const)('is cancelled by %s if it is the backfill lane, while the live lane goes on', (_, event) => {
    const both = started(opening(), 'live', NOW, TODAY);
    expect(hear(both, event).cancel).toEqual(['backfill']);
  });

  it('has its answer ignored once it was cancelled, and is free when it has ended', () => {
    const { lanes } = hear(opening(), { kind: 'configured', settings });
    const after = answered(lanes, 'backfill', OPENED, NOW, TODAY);
    expect(after.state).toBe(lanes.state);
    expect(freed(after, 'backfill').running.backfill).toBeNull();
  });

  it('has its answer applied when nothing cancelled it', () => {
    expect(answered(opening(), 'backfill', OPENED, NOW, TODAY).state.fullSync).toMatchObject({
      kind: 'listing',
      reason: 'initial',
    });
  });

  it('blocks the mailbox when it is refused, unless a person resumed the mailbox since it began', () => {
    expect(answered(opening(), 'backfill', REFUSED, NOW, TODAY).state.blocked).not.toBeNull();
    const { lanes } = hear(opening(), { kind: 'resumed' });
    expect(answered(lanes, 'backfill', REFUSED, NOW, TODAY).state.blocked).toBeNull();
    expect(
      answered(lanes, 'backfill', REFUSED, NOW, { ...TODAY, ignoresStaleRefusals: () => false }).state.blocked,
    ).not.toBeNull();
  });
});

describe('the work of a plan', () => {
  it('does not start twice', () => {
    const lanes = opening();
    expect(startable(lanes, planOf(lanes, NOW, TODAY), false)).toEqual([]);
  });

  it('does not start in the backfill lane while the history waits to be cut', () => {
    const lanes = freed(opening(), 'backfill');
    const plan = planOf(lanes, NOW, TODAY);
    expect(startable(lanes, plan, false)).toEqual([{ lane: 'backfill', work: { activity: 'openMailbox' } }]);
    expect(startable(lanes, plan, true)).toEqual([]);
  });
});

describe('a wait', () => {
  const over = (event: MailboxEvent, ways: Ways): boolean => {
    const before = opening();
    const wait = { before, plan: planOf(before, NOW, ways), shown: shownOf(before.state), cutsHistory: false };
    return isOver(wait, hear(before, event).lanes, false, NOW, ways);
  };

  it('goes on after a poke that does not change the plan, except in a run that began without the patch', () => {
    expect(over({ kind: 'poked' }, TODAY)).toBe(false);
    expect(over({ kind: 'poked' }, { ...TODAY, waitsOn: () => false })).toBe(true);
  });

  it('ends when another phase is to be shown, and when the mailbox stops', () => {
    expect(over({ kind: 'paused' }, TODAY)).toBe(true);
    expect(over({ kind: 'stop-requested' }, TODAY)).toBe(true);
  });
});

describe('a delivery beside a sync', () => {
  const counts = { stored: 1, pending: 0, failed: 0 };
  const synced = (over: Partial<Extract<MailboxEvent, { kind: 'partial-synced' }>> = {}): MailboxEvent => ({
    kind: 'partial-synced',
    ...counts,
    historyId: historyId('5'),
    ...NOTHING_SYNCED,
    ...over,
  });
  const delivered = (over: Partial<Extract<MailboxEvent, { kind: 'delivered' }>> = {}): MailboxEvent => ({
    kind: 'delivered',
    lane: 'delivery',
    more: false,
    nextIn: null,
    waiting: [],
    waits: 0,
    ...over,
  });
  const opened: MailboxEvent = { ...OPENED, ...counts, kind: 'opened', historyId: historyId('5'), step: 'done' };
  const lanesOf = (...events: readonly MailboxEvent[]): LaneState => {
    const fresh = idleLanes(initialState({ mailbox: mailboxId('ada@example.com'), settings, now: NOW }));
    return [opened, ...events].reduce((lanes, event) => hear(lanes, event).lanes, fresh);
  };
  /** In sync, with a handler that listens. */
  const atRest = (...events: readonly MailboxEvent[]): LaneState =>
    lanesOf(
      { kind: 'slice-fetched', ...counts, generation: 0, fetched: 0, complete: true, nextAttemptAt: null },
      { kind: 'partial-sync-started' },
      synced({ listening: ['handler'] }),
      ...events,
    );
  const begins = (lanes: LaneState, ways: Ways = TODAY, cutsHistory = false) =>
    startable(lanes, planOf(lanes, NOW, ways), cutsHistory);
  const POKED: MailboxEvent = { kind: 'poked' };
  const BESIDE = [{ lane: 'live' }, { lane: 'delivery', awaits: true }];

  it('begins with the sync that serves a poke, when a target listens', () => {
    expect(begins(atRest(POKED))).toEqual(BESIDE);
    expect(begins(atRest(synced({ listening: ['handler', 'webhook'] }), POKED))).toEqual([
      ...BESIDE,
      { lane: 'webhook', awaits: true },
    ]);
  });

  it('does not begin without a poke, so a mailbox at rest costs no more than one without subscriptions', () => {
    expect(begins(atRest({ kind: 'sync-requested' }))).toEqual([{ lane: 'live' }]);
    expect(begins(atRest())).toEqual([]);
  });

  it.each([
    ['where no target listens', atRest(synced(), POKED), TODAY],
    ['in a run that began without its patch', atRest(POKED), { ...TODAY, deliversBesideSyncs: () => false }],
    ['while the lane delivers', started(atRest(POKED), 'delivery', NOW, TODAY), TODAY],
    [
      'after three in succession that found nothing',
      atRest(delivered({ awaited: true }), delivered({ awaited: true }), delivered({ awaited: true }), POKED),
      TODAY,
    ],
  ])('does not begin %s', (_, lanes, ways) => {
    expect(begins(lanes, ways)).toEqual([{ lane: 'live' }]);
  });

  it('counts as one that found nothing when no worker takes it, and keeps the times of what waits', () => {
    const notTaken: MailboxEvent = { kind: 'delivery-not-taken', lane: 'delivery' };
    expect(begins(atRest(notTaken, notTaken, POKED))).toEqual(BESIDE);
    expect(begins(atRest(notTaken, notTaken, notTaken, POKED))).toEqual([{ lane: 'live' }]);
    const waiting = [{ subscription: 'crm', why: 'failing', nextIn: 5_000 }] as const;
    const lanes = atRest(delivered({ nextIn: 5_000, waiting, waits: 1 }), notTaken);
    expect(planOf(lanes, NOW + 60_000, TODAY).deliver).toEqual(['delivery']);
  });

  it('whose next attempt waits begins at its time when a pause has cancelled another, since a sync says when', () => {
    const cancelled = [{ kind: 'paused' }, { kind: 'resumed' }] as const;
    const heard = cancelled.reduce<LaneState>(
      (before, event) => hear(before, event).lanes,
      started(atRest(), 'webhook', NOW, TODAY),
    );
    const told = hear(freed(heard, 'webhook'), synced({ webhookIn: 5_000 })).lanes;
    expect(planOf(told, NOW + 5_000, TODAY).deliver).toEqual(['webhook']);
  });

  it('whose next attempt waits begins at its time in a new workflow, and no later sync puts it off', () => {
    const told = atRest(synced({ webhookIn: 5_000 }));
    expect(planOf(told, NOW, TODAY)).toMatchObject({ wakeAt: NOW + 5_000 });
    const later = hear(told, synced({ webhookIn: 60_000 })).lanes;
    expect(planOf(later, NOW + 5_000, TODAY).deliver).toEqual(['webhook']);
  });

  it('begins again once any delivery was made', () => {
    const fruitless = [1, 2, 3].map(() => delivered({ awaited: true }));
    expect(begins(atRest(...fruitless, delivered({ attempts: 1, seen: 4 }), POKED))).toEqual(BESIDE);
  });

  it('does not begin while the history waits to be cut', () => {
    const delivering = started(atRest(POKED), 'webhook', NOW, TODAY);
    expect(begins(delivering, TODAY, true)).toEqual([{ lane: 'live' }]);
  });

  const FOUND = synced({ listening: ['handler'], deliverable: true, deliverableUpTo: 7 });
  const again = [{ lane: 'delivery', awaits: false }];

  it('replaces the delivery that its sync asks for, whichever of the two ends first', () => {
    const seen = delivered({ awaited: true, attempts: 1, seen: 7 });
    expect(begins(atRest(seen, FOUND))).toEqual([]);
    expect(begins(atRest(FOUND, seen))).toEqual([]);
  });

  it.each([
    ['it saw less than its sync has found', delivered({ awaited: true, attempts: 1, seen: 6 })],
    ['a worker of an earlier build answers', delivered({ awaited: true })],
    ['there is more than it had time for', delivered({ awaited: true, attempts: 1, seen: 7, more: true })],
  ])('is followed by the delivery that its sync asks for when %s', (_, answer) => {
    expect(begins(atRest(answer, FOUND))).toEqual(again);
    expect(begins(atRest(FOUND, answer))).toEqual(again);
  });

  it('is followed by the delivery that a signal asks for, whatever it has seen', () => {
    const asked: MailboxEvent = { kind: 'deliver-requested', lane: 'delivery' };
    const seen = delivered({ awaited: true, attempts: 1, seen: 7 });
    expect(begins(atRest(FOUND, asked, seen))).toEqual(again);
    expect(begins(atRest(asked, FOUND, seen))).toEqual(again);
  });

  it('is forgotten once the next sync begins, since the database may be an older one by then', () => {
    const seen = delivered({ awaited: true, attempts: 1, seen: 9 });
    expect(begins(atRest(seen, { kind: 'partial-sync-started' }, FOUND))).toEqual(again);
  });
});
