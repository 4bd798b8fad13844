import type { WatchResult } from '../activities/requests.ts';
import type { EventOf, MailboxEvent } from './mailbox-event.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The longest delay of each time that a worker reports, in ms. A worker with a wrong clock may report a longer one. */
export const LONGEST = {
  /**
   * While messages are pending: a message that is not found yet, or a draft, waits a minute at most
   * (`activities/failed-fetches.ts`). Twice as long is allowed.
   */
  pending: 2 * MINUTE,
  /** A failed message is tried at least once a month. */
  failed: 30 * DAY,
  /** History settles within half a minute. */
  settle: MINUTE,
  /** A spent daily budget holds a backfill back until midnight in Pacific time; one day a year has 25 hours. */
  dailyBudget: 25 * HOUR,
  /** `activities/failures.ts` waits for Gmail a day at most. */
  rateLimit: DAY,
  /** A watch is renewed once a day. */
  renewal: DAY,
  /** A target may ask to wait for a day; back-off waits 5 hours at most. */
  delivery: DAY,
} as const;

/**
 * A time from an activity's result on the server's clock, in epoch ms. The delay counts from the workflow's `now`,
 * since the worker's clock may differ. A worker of an earlier version sends only the time.
 *
 * @param longest - the longest delay that is believed, in ms
 */
export function answeredTime(
  delay: number | null | undefined,
  at: number | null,
  now: number,
  longest: number,
): number | null {
  return delay === undefined || delay === null ? at : now + Math.min(Math.max(0, delay), longest);
}

/** Gmail's watch on the server's clock. The expiration is Gmail's own time and does not depend on a worker's clock. */
export function answeredWatch(
  { renewedAt, renewAt, expiration, isRenewed, renewIn, renewedAgo }: WatchResult,
  now: number,
): WatchResult {
  return {
    renewedAt: renewedAgo === undefined ? renewedAt : now - Math.max(0, renewedAgo),
    renewAt: answeredTime(renewIn, renewAt, now, LONGEST.renewal) ?? renewAt,
    expiration,
    isRenewed,
  };
}

/**
 * Cuts times to what is possible: a worker of an earlier version reports them without delays, and a person may type any
 * time.
 *
 * @returns the event itself when all of its times are possible
 */
export function withBoundedTimes(event: MailboxEvent, now: number): MailboxEvent {
  if (event.kind === 'slice-fetched') return withBoundedSlice(event, now);
  if (event.kind === 'partial-synced') return withBoundedSync(event, now);
  if (event.kind !== 'rate-limited' || event.waitFor !== undefined || event.until <= now + LONGEST.rateLimit)
    return event;
  return { ...event, until: now + LONGEST.rateLimit };
}

function withBoundedSlice(event: EventOf<'slice-fetched'>, now: number): MailboxEvent {
  const { nextAttemptAt: at, nextAttemptIn, heldUntil, complete } = event;
  if (nextAttemptIn !== undefined) return event;
  const nextAttemptAt =
    at === null
      ? null
      : Math.min(
          at,
          now + (complete ? LONGEST.failed : heldUntil === undefined ? LONGEST.pending : LONGEST.dailyBudget),
        );
  const held = heldUntil === undefined ? undefined : Math.min(heldUntil, now + LONGEST.dailyBudget);
  return nextAttemptAt === at && held === heldUntil
    ? event
    : { ...event, nextAttemptAt, ...(held === undefined ? {} : { heldUntil: held }) };
}

function withBoundedSync(event: EventOf<'partial-synced'>, now: number): MailboxEvent {
  const { settleIn, watch } = event;
  const settleAt =
    event.settleAt === null || settleIn !== undefined ? event.settleAt : Math.min(event.settleAt, now + LONGEST.settle);
  const settled = settleAt === event.settleAt ? event : { ...event, settleAt };
  if (watch == null || watch.renewIn !== undefined || watch.renewAt <= now + LONGEST.renewal) return settled;
  return { ...settled, watch: { ...watch, renewAt: now + LONGEST.renewal, renewedAt: Math.min(watch.renewedAt, now) } };
}
