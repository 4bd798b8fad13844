import { describe, expect, it } from 'vitest';

import { historyId, mailboxId } from '../../src/model/ids.ts';
import { completeSettings } from '../../src/model/settings-change.ts';
import { planOf, startable } from '../../src/workflows/lane-plan.ts';
import { freed, idleLanes, received, started, type LaneState } from '../../src/workflows/lane-scheduler.ts';
import { quietSync } from '../../src/workflows/look.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { transition } from '../../src/workflows/transition.ts';
import { NOTHING_SYNCED, OPENED_NEW } from '../fixtures/temporal/quiet-results.ts';
import { TODAY } from '../fixtures/temporal/todays-ways.ts';

const NOW = Date.UTC(2026, 0, 10);
const MINUTE = 60_000;
const MARK = historyId('5');
const counts = { stored: 1, pending: 0, failed: 0 };
const synced: MailboxEvent = { kind: 'partial-synced', ...counts, historyId: MARK, ...NOTHING_SYNCED };

/** A mailbox in sync that is polled every minute, after these events. */
function atRest(...events: readonly MailboxEvent[]): LaneState {
  const settings = completeSettings({ pollInterval: MINUTE, auditInterval: null });
  const fresh = idleLanes(initialState({ mailbox: mailboxId('ada@example.com'), settings, now: NOW }));
  const inSync: readonly MailboxEvent[] = [
    { kind: 'opened', ...OPENED_NEW, ...counts, historyId: MARK, step: 'done' },
    { kind: 'slice-fetched', ...counts, generation: 0, fetched: 0, complete: true, nextAttemptAt: null },
    { kind: 'partial-sync-started' },
    synced,
  ];
  return [...inSync, ...events].reduce((lanes, event) => received(lanes, event, NOW, TODAY).lanes, fresh);
}

const begins = (lanes: LaneState, ways = TODAY, at = NOW + MINUTE) => startable(lanes, planOf(lanes, at, ways), false);
const POLLED = [{ lane: 'live' }];

describe('a poll', () => {
  it('begins with a look where the mailbox is in sync and nothing waits', () => {
    expect(begins(atRest())).toEqual([{ lane: 'live', looks: true }]);
  });

  it.each([
    ['after a poke', atRest({ kind: 'poked' })],
    ['when a sync is asked for', atRest({ kind: 'sync-requested' })],
    ['while messages are pending', atRest({ kind: 'partial-sync-started' }, { ...synced, pending: 1 })],
    [
      'while messages fail',
      atRest({ kind: 'partial-sync-started' }, { ...synced, failed: 1, failedAttemptAt: NOW + 60 * MINUTE }),
    ],
    ['until history has settled', atRest({ kind: 'partial-sync-started' }, { ...synced, settleAt: NOW + 2 * MINUTE })],
    [
      "when Gmail's watch is to be renewed",
      atRest(
        { kind: 'partial-sync-started' },
        { ...synced, watch: { renewedAt: NOW, renewAt: NOW + 1, expiration: NOW + MINUTE, isRenewed: true } },
      ),
    ],
    ['while Gmail limits the rate', atRest({ kind: 'rate-limited', until: NOW, message: 'later' })],
    [
      'while notifications name another address',
      atRest({ kind: 'partial-sync-started' }, { ...synced, address: mailboxId('ada@example.org') }),
    ],
    ['while another lane works', started(atRest(), 'delivery', NOW, TODAY)],
  ])('begins without a look %s', (_, lanes) => {
    expect(begins(lanes)).toEqual(POLLED);
  });

  it('begins without a look in a run that began without its patch', () => {
    expect(begins(atRest(), { ...TODAY, looks: () => false })).toEqual(POLLED);
  });

  it('begins with a look again once the other lane is free', () => {
    const busy = started(atRest(), 'delivery', NOW, TODAY);
    expect(begins(freed(busy, 'delivery'))).toEqual([{ lane: 'live', looks: true }]);
  });
});

describe('a look that found nothing', () => {
  const quiet = { kind: 'quiet', historyId: historyId('9'), units: 3 } as const;
  const at = NOW + MINUTE;

  it('changes the state as a partial sync that found nothing', () => {
    const { state } = started(atRest(), 'live', at, TODAY);
    const sync: MailboxEvent = { ...synced, historyId: quiet.historyId };
    expect(transition(state, quietSync(state, quiet), at)).toEqual(transition(state, sync, at));
  });

  it("keeps Gmail's watch", () => {
    const watch = { renewedAt: NOW, renewAt: NOW + 60 * MINUTE, expiration: NOW + 120 * MINUTE, isRenewed: true };
    const { state } = atRest({ kind: 'partial-sync-started' }, { ...synced, watch });
    const next = transition(state, quietSync(state, quiet), at);
    expect(next.push.watch).toEqual({ ...watch, isRenewed: false });
  });

  it('adds its units to those of the mailbox, and foretells no end of what is fetched', () => {
    const quota = { units: 5, rejected: 1, unitsLeft: 0, unitsPerMinute: 6_000, lastMinute: 5, finishAt: NOW };
    const { state } = atRest({ kind: 'partial-sync-started' }, { ...synced, quota });
    const next = transition(state, quietSync(state, { ...quiet, clockSkew: MINUTE }), at);
    expect(next.quota).toEqual({ ...quota, units: 8, finishAt: null });
  });

  it('tells of a delivery that waits', () => {
    const { state } = atRest();
    const next = transition(state, quietSync(state, { ...quiet, deliverable: true, deliverableUpTo: 4 }), at);
    expect(planOf(idleLanes(next), at, TODAY).deliver).toEqual(['delivery']);
  });
});
