import type { Lane } from '../model/lane.ts';
import type { Remedy } from '../model/remedy.ts';
import type { ConsentCode } from '../model/subscribed-event.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Why a mailbox is blocked. It decides how often asking again is worth its price. */
export type BlockCause =
  /** The grant was withdrawn, or lacks a scope. Only its owner can change that, and the mailbox then gets a signal. */
  | 'consent'
  /** No credentials are stored. Asking again costs no units, since only the store is asked. */
  | 'credentials'
  /** Gmail refuses the mailbox. */
  | 'refusal';

/**
 * The state of a mailbox whose work was refused and does not go on. A person ends it, or an answer: the workflow asks
 * again by itself, ever more rarely. Plain JSON, part of the workflow's state; times are epoch ms.
 */
export interface Blocked {
  readonly kind: 'needs-consent' | 'failed';
  readonly message: string;
  /** What a person can do; absent in a state from an earlier version, and after a failure that names nothing. */
  readonly remedy?: Remedy;
  readonly cause: BlockCause;
  /** Whose work met it: the same work asks again. */
  readonly lane: Lane;
  readonly since: number;
  /** How many questions were refused so far. */
  readonly asks: number;
  /** When Gmail is asked again. Only a person can make that sooner; no poke or notification does. */
  readonly retryAt: number;
}

const DAY = 24 * HOUR;

/**
 * Questions after a refusal come after a minute, then every 66 minutes for a day, every four hours for another day, and
 * then daily. With the two calls that found the refusal, the first day has 24 calls: they cannot be an hour apart.
 */
const FIRST_DAY = { asks: 22, delay: 66 * MINUTE };
const SECOND_DAY = { asks: 6, delay: 4 * HOUR };

/** Milliseconds until a blocked mailbox asks again after `asks` refused questions. docs/errors.md names the prices. */
export function askDelay(cause: BlockCause, asks: number): number {
  switch (cause) {
    case 'consent':
      // Two calls found it, so this is the third and last call of the first day.
      return asks === 0 ? HOUR : DAY;
    case 'credentials':
      return HOUR;
    case 'refusal':
      if (asks === 0) return MINUTE;
      if (asks <= FIRST_DAY.asks) return FIRST_DAY.delay;
      return asks <= FIRST_DAY.asks + SECOND_DAY.asks ? SECOND_DAY.delay : DAY;
  }
}

/** The same in a run from before the patch `asks-a-day`, so that its history replays. */
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

/** When a run from before that patch asks, if that is another time; else null. */
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
  /** True when the work that was refused was the question itself. */
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
 * a mailbox asks at once, then as any other.
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
