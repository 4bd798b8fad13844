import { expect, test } from 'vitest';

import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { withBoundedTimes } from '../../src/workflows/answered-time.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { transition } from '../../src/workflows/transition.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { planNext } from '../../src/workflows/plan.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MARK = historyId('9007199254740993');
const COUNTS = { stored: 10, pending: 10, failed: 0 };
const opened: MailboxEvent = {
  kind: 'opened',
  ...COUNTS,
  historyId: MARK,
  generation: 1,
  step: 'fetching',
  settingsChanged: false,
};

/**
 * A worker of the version that answered times without delays, its clock ten hours ahead. Each slice leaves something to
 * be tried at once, each sync a mark that has to settle.
 */
const olderWorker = {
  fetchSlice: (at: number): MailboxEvent => ({
    kind: 'slice-fetched',
    ...COUNTS,
    generation: 1,
    fetched: 5,
    complete: false,
    nextAttemptAt: at + 10 * HOUR,
  }),
  partialSync: (at: number): MailboxEvent => ({
    kind: 'partial-synced',
    ...COUNTS,
    historyId: MARK,
    changed: true,
    more: false,
    nextAttemptAt: null,
    failedAttemptAt: null,
    settleAt: at + 10 * HOUR + 31_000,
  }),
};

/** The times at which each activity begins within `duration` ms; each takes ten. */
function timesUnder(worker: typeof olderWorker, duration: number) {
  const times = { fetchSlice: new Array<number>(), partialSync: new Array<number>() };
  let now = 0;
  let state = initialState({
    mailbox: mailboxId('older@example.com'),
    settings: { ...DEFAULT_SETTINGS, pollInterval: HOUR },
    now,
  });
  const happens = (event: MailboxEvent): void => {
    now += 10;
    state = transition(state, withBoundedTimes(event, now), now);
  };
  while (now < duration) {
    const { live, backfill, wakeAt } = planNext(state, now);
    if (backfill !== null) {
      if (backfill.activity === 'fetchSlice') times.fetchSlice.push(now);
      happens(backfill.activity === 'fetchSlice' ? worker.fetchSlice(now) : opened);
    } else if (live !== null) {
      times.partialSync.push(now);
      happens({ kind: 'partial-sync-started' });
      happens(worker.partialSync(now));
    } else now = wakeAt ?? duration;
  }
  return times;
}

test('a backfill goes on at least every two minutes under an older worker whose clock is hours ahead', () => {
  expect(timesUnder(olderWorker, 20 * MINUTE).fetchSlice.length).toBeGreaterThanOrEqual(10);
});

test('a mark settles within a minute under an older worker whose clock is hours ahead', () => {
  const [first = 0, second = Infinity] = timesUnder(olderWorker, 20 * MINUTE).partialSync;
  expect(second - first).toBeLessThanOrEqual(MINUTE + 100);
});
