import { describe, expect, it } from 'vitest';

import type { Lane } from '../../src/model/lane.ts';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { detailsOf } from '../../src/workflows/details.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { transition } from '../../src/workflows/transition.ts';
import { carriedState } from '../../src/workflows/carried-state.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { NOTHING_SYNCED } from '../fixtures/temporal/quiet-results.ts';

const AT = Date.UTC(2026, 0, 10);
const counts = { stored: 0, pending: 0, failed: 0 };
const fresh = initialState({ mailbox: mailboxId('ada@example.com'), settings: DEFAULT_SETTINGS, now: AT });

const synced: MailboxEvent = {
  kind: 'partial-synced',
  ...counts,
  historyId: historyId('5'),
  ...NOTHING_SYNCED,
};
const sliced: MailboxEvent = {
  kind: 'slice-fetched',
  ...counts,
  generation: 0,
  fetched: 0,
  complete: false,
  nextAttemptAt: null,
};
const failedIn = (lane: Lane): MailboxEvent => ({
  kind: 'blocked',
  block: 'failed',
  cause: 'refusal',
  message: 'mail service not enabled',
  lane,
  asked: false,
});
const configured: MailboxEvent = { kind: 'configured', settings: DEFAULT_SETTINGS };

const after = (...events: readonly MailboxEvent[]): MailboxState =>
  events.reduce((state, event, index) => transition(state, event, AT + index * 1_000), fresh);
const mendedAt = (...events: readonly MailboxEvent[]): number | null => after(...events).lastError?.mendedAt ?? null;

describe('the last error of a mailbox', () => {
  it.for([
    ['a refusal of a live sync', 'a live sync', failedIn('live'), { ...synced, asked: true }],
    ['a refusal of the backfill', 'a slice', failedIn('backfill'), { ...sliced, asked: true }],
    ['an expired history', 'a live sync', { kind: 'history-expired', message: 'history expired' }, synced],
    [
      'refused settings',
      'settings that are accepted',
      { kind: 'refused', message: 'the settings were not changed' },
      configured,
    ],
    [
      'refused settings',
      'a resume',
      { kind: 'refused', message: 'the settings were not changed' },
      { kind: 'resumed' },
    ],
    [
      'a refused watch',
      'settings without push',
      { ...synced, watchRefusal: 'forbidden' },
      { kind: 'configured', settings: { ...DEFAULT_SETTINGS, push: null } },
    ],
  ] as const satisfies readonly (readonly [string, string, MailboxEvent, MailboxEvent])[])(
    'is over once work of its kind succeeds: %s, by %s',
    ([, , error, success]) => {
      expect(mendedAt(error)).toBeNull();
      expect(mendedAt(error, success)).toBe(AT + 1_000);
      expect(detailsOf(after(error, success))).toContain(
        'No error now. The last one, from 2026-01-10T00:00:00Z to 2026-01-10T00:00:01Z, was: ',
      );
    },
  );

  it.for([
    ['a refusal of the backfill', failedIn('backfill'), synced],
    ['a refusal of a live sync', failedIn('live'), sliced],
    ['a refused watch', { ...synced, watchRefusal: 'forbidden' }, synced],
    ['refused settings', { kind: 'refused', message: 'the settings were not changed' }, synced],
  ] as const satisfies readonly (readonly [string, MailboxEvent, MailboxEvent])[])(
    'is not over when something else succeeds: %s',
    ([, error, other]) => {
      expect(mendedAt(error, other)).toBeNull();
      expect(detailsOf(after(error, other))).toContain(
        error.kind === 'blocked'
          ? '**What stopped it:** mail service not enabled'
          : 'Last error, 2026-01-10T00:00:00Z: ',
      );
    },
  );

  it('keeps the time of the success that ended it', () => {
    expect(mendedAt(failedIn('live'), synced, synced)).toBe(AT + 1_000);
  });

  it('that an earlier version carried over is over with the first success of any kind', () => {
    const carried = carriedState(fresh, { ...fresh, lastError: { message: 'of before', at: AT } });
    expect(transition(carried, sliced, AT + 5_000).lastError).toMatchObject({
      message: 'of before',
      mendedAt: AT + 5_000,
    });
  });
});
