import { expect, test } from 'vitest';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { detailsOf } from '../../src/workflows/details.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { transition } from '../../src/workflows/transition.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';

const T0 = Date.UTC(2026, 0, 1);
const QUOTA = {
  units: 12_345,
  rejected: 2,
  unitsLeft: 90_000,
  unitsPerMinute: 5_940,
  lastMinute: 5_800,
  finishAt: T0 + 909_000,
};

function listed(quota?: NonNullable<MailboxState['quota']>): MailboxState {
  const fresh = {
    ...initialState({ mailbox: mailboxId('ada@example.com'), settings: DEFAULT_SETTINGS, now: T0 }),
    generation: 1,
  };
  return transition(
    fresh,
    {
      kind: 'listed',
      generation: 1,
      historyId: historyId('100'),
      stored: 5,
      pending: 95,
      failed: 0,
      ...(quota === undefined ? {} : { quota }),
    },
    T0,
  );
}

test('the Temporal UI shows units, rejected calls, rate and ETA as the last activity reported them', () => {
  const details = detailsOf(listed(QUOTA));
  expect(details).toContain('| units used | 12,345, calls rejected: 2 |');
  expect(details).toContain('| rate | 5,800 units in the last minute, 5,940 granted |');
  expect(details).toContain('| left | 90,000 units, ETA 2026-01-01T00:15:09Z |');
});

test.each([
  [null, 'not known yet'],
  [0, '1970-01-01T00:00:00Z'],
])('the Temporal UI shows the ETA %s as "%s"', (finishAt, shown) => {
  expect(detailsOf(listed({ ...QUOTA, finishAt }))).toContain(`| left | 90,000 units, ETA ${shown} |`);
});

test('the Temporal UI names the mailbox, its phase and its signals', () => {
  expect(detailsOf(listed())).toMatch(/^\*\*ada@example\.com: full-sync\*\* since 2026-01-01T00:00:00Z\n/);
  expect(detailsOf(listed())).toContain('`forceResync`');
});

test('the quota stays as it was when an activity of an earlier version does not report it', () => {
  expect(detailsOf(listed())).not.toContain('units');
  const later = transition(
    listed(QUOTA),
    { kind: 'listed', generation: 1, historyId: historyId('200'), stored: 6, pending: 94, failed: 0 },
    T0,
  );
  expect(later.quota).toEqual(QUOTA);
});

type Waiting = Extract<MailboxEvent, { kind: 'delivered' }>['waiting'][number];

const afterDeliveries = (waits: number, ...waiting: readonly Waiting[]): MailboxState =>
  transition(listed(), { kind: 'delivered', lane: 'delivery', more: false, nextIn: 60_000, waiting, waits }, T0);
const waitingFor = (why: Waiting['why']): Waiting => ({ subscription: 'crm', why, nextIn: 60_000 });

test.each([
  ['failing', 'its last attempt failed, did not end, or could not be made'],
  ['no-handler', 'the worker that took them does not have its handler'],
  ['busy', 'its worker makes other attempts first'],
] as const)('the Temporal UI says why a delivery waits (%s): %s', (why, words) => {
  const waits = afterDeliveries(1, waitingFor(why));
  expect(detailsOf(waits)).toContain(
    `| deliveries to crm | wait since 2026-01-01T00:00:00Z: ${words}; next attempt 2026-01-01T00:01:00Z |`,
  );
  expect(detailsOf(waits)).not.toContain('| deliveries |');
  expect(detailsOf({ ...waits, paused: true })).toContain('; next attempt after the signal `resume` |');
});

test.each([
  [2, '1 more subscription waits'],
  [1_235, '1,234 more subscriptions wait'],
])('of %i subscriptions that wait, the Temporal UI counts those that it does not name', (waits, words) => {
  expect(detailsOf(afterDeliveries(waits, waitingFor('busy')))).toContain(`| deliveries | ${words} |`);
});
