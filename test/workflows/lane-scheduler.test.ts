import { describe, expect, it } from 'vitest';

import { mailboxId } from '../../src/model/ids.ts';
import { completeSettings } from '../../src/model/settings-change.ts';
import {
  answered,
  freed,
  idleLanes,
  isOver,
  planOf,
  received,
  shownOf,
  startable,
  started,
} from '../../src/workflows/lane-scheduler.ts';
import type { LaneState, Ways } from '../../src/workflows/lane-scheduler.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { TODAY } from '../fixtures/temporal/todays-ways.ts';

const NOW = Date.UTC(2026, 0, 10);
const settings = completeSettings({});
const OPENED: MailboxEvent = {
  kind: 'opened',
  historyId: null,
  generation: 0,
  step: 'none',
  settingsChanged: false,
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
  ] as const)('is cancelled by %s, whichever it is', (_, event) => {
    const both = started(opening(), 'live', NOW, TODAY);
    expect(hear(both, event).cancel).toEqual(['live', 'backfill']);
  });

  it.each([
    ['a resync', { kind: 'resync-requested' }],
    ['a configuration', { kind: 'configured', settings }],
  ] as const)('is cancelled by %s where it is the backfill, while the live one goes on', (_, event) => {
    const both = started(opening(), 'live', NOW, TODAY);
    expect(hear(both, event).cancel).toEqual(['backfill']);
  });

  it('is not heard once it was cancelled, and is free when it has ended', () => {
    const { lanes } = hear(opening(), { kind: 'configured', settings });
    const after = answered(lanes, 'backfill', OPENED, NOW, TODAY);
    expect(after.state).toBe(lanes.state);
    expect(freed(after, 'backfill').running.backfill).toBeNull();
  });

  it('is heard where nothing cancelled it', () => {
    expect(answered(opening(), 'backfill', OPENED, NOW, TODAY).state.fullSync).toMatchObject({
      kind: 'listing',
      reason: 'initial',
    });
  });

  it('blocks the mailbox by its refusal, unless a person ended the block since it began', () => {
    expect(answered(opening(), 'backfill', REFUSED, NOW, TODAY).state.blocked).not.toBeNull();
    const { lanes } = hear(opening(), { kind: 'resumed' });
    expect(answered(lanes, 'backfill', REFUSED, NOW, TODAY).state.blocked).toBeNull();
    expect(
      answered(lanes, 'backfill', REFUSED, NOW, { ...TODAY, ignoresStaleRefusals: () => false }).state.blocked,
    ).not.toBeNull();
  });
});

describe('the work of a plan', () => {
  it('does not begin twice', () => {
    const lanes = opening();
    expect(startable(lanes, planOf(lanes, NOW, TODAY), false)).toEqual([]);
  });

  it('does not begin in the backfill while the history waits to be cut', () => {
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

  it('goes on after a poke that changes nothing of the plan, and ended by it before', () => {
    expect(over({ kind: 'poked' }, TODAY)).toBe(false);
    expect(over({ kind: 'poked' }, { ...TODAY, waitsOn: () => false })).toBe(true);
  });

  it('ends when another phase is to be shown, and when the mailbox stops', () => {
    expect(over({ kind: 'paused' }, TODAY)).toBe(true);
    expect(over({ kind: 'stop-requested' }, TODAY)).toBe(true);
  });
});
