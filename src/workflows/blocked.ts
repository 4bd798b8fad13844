import type { Lane } from '../model/lane.ts';
import type { Remedy } from '../model/remedy.ts';
import type { ConsentCode } from '../model/subscribed-event.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Why a mailbox is blocked. The cause decides how often the mailbox asks again, because each question has a price. */
export type BlockCause =
  /**
   * The grant was withdrawn, or lacks a scope. Only the mailbox's owner can change that, and then the mailbox gets a
   * signal.
   */
  | 'consent'
  /** No credentials are stored. Asking again costs no units, since only the store is asked. */
  | 'credentials'
  /** Gmail refuses the mailbox. */
  | 'refusal';

/**
 * The state of a mailbox whose work was refused and does not go on. A person ends the block, or Gmail's answer does:
 * the workflow asks again by itself, less and less often. Plain JSON, part of the workflow's state; times are epoch ms.
 */
export interface Blocked {
  readonly kind: 'needs-consent' | 'failed';
  readonly message: string;
  /** What a person can do; absent in a state from an earlier version, and after a failure that names nothing. */
  readonly remedy?: Remedy;
  readonly cause: BlockCause;
  /** The lane whose work was refused. The same work asks again. */
  readonly lane: Lane;
  readonly since: number;
  /** How many questions were refused so far. */
  readonly asks: number;
  /** When Gmail is asked again. Only a person can bring that forward; pokes and notifications do not. */
  readonly retryAt: number;
}

const DAY = 24 * HOUR;

/**
 * After a refusal the mailbox asks after a minute, then every 66 minutes for a day, every four hours for another day,
 * and then daily. The first day may have 24 calls, and two of them found the refusal: the others must be more than an
 * hour apart.
 */
const FIRST_DAY = { asks: 22, delay: 66 * MINUTE };
const SECOND_DAY = { asks: 6, delay: 4 * HOUR };

/** Milliseconds until a blocked mailbox asks again after `asks` refused questions. docs/errors.md names the prices. */
export function askDelay(cause: BlockCause, asks: number): number {
  switch (cause) {
    case 'consent':
      // Two calls found the refusal, so this is the third and last call of the first day.
      return asks === 0 ? HOUR : DAY;
    case 'credentials':
      return HOUR;
    case 'refusal':
      if (asks === 0) return MINUTE;
      if (asks <= FIRST_DAY.asks) return FIRST_DAY.delay;
      return asks <= FIRST_DAY.asks + SECOND_DAY.asks ? SECOND_DAY.delay : DAY;
  }
}

/** The delay in a run that began before the patch `asks-a-day`, so that its history replays. */
function earlierAskDelay(cause: BlockCause, asks: number): number {
  switch (cause) {
    case 'consent':
      return [1 * HOUR, 7 * HOUR][asks] ?? DAY;
    case 'credentials':
      return HOUR;
    case 'refusal':
      if (asks === 0) return MINUTE;
      if (asks === 1) return 9 * MINUTE;
      return asks < 22 ? HOUR : 4 * HOUR;
  }
}

/** When a run that began before that patch asks again; null when the time is the same. */
export function earlierRetryAt({ cause, asks, retryAt }: Blocked): number | null {
  const change = earlierAskDelay(cause, asks) - askDelay(cause, asks);
  return change === 0 ? null : retryAt + change;
}

export interface Refusal {
  readonly block: Blocked['kind'];
  readonly cause: BlockCause;
  readonly message: string;
  readonly remedy?: Remedy;
  /** Which kind of consent is needed; absent when none is. */
  readonly code?: ConsentCode;
  readonly lane: Lane;
  /** True when the refused work was a blocked mailbox's question. */
  readonly asked: boolean;
}

/**
 * The blocked state after one more refusal. A refusal of work that was already under way in the other lane does not
 * count as a question.
 */
export function blockedAfter(
  before: Blocked | null,
  { block, cause, message, remedy, lane, asked }: Refusal,
  now: number,
): Blocked {
  if (before !== null && !asked) return before;
  const asks = before?.cause === cause ? before.asks + 1 : 0;
  return {
    kind: block,
    message,
    ...(remedy === undefined ? {} : { remedy }),
    cause,
    lane,
    since: before?.kind === block ? before.since : now,
    asks,
    retryAt: now + askDelay(cause, asks),
  };
}

/**
 * Completes the state of an earlier version, which carried only the kind and the message and waited for a person. Such
 * a mailbox asks at once, and afterwards like any other.
 */
export function completeBlocked(carried: Blocked | null, since: number): Blocked | null {
  if (carried === null) return null;
  const absent = {
    cause: carried.kind === 'failed' ? 'refusal' : 'consent',
    lane: 'live',
    since,
    asks: 0,
    retryAt: 0,
  } as const;
  return { ...absent, ...carried };
}
