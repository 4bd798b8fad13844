import type { Lane } from '../model/lane.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Why nothing goes on. It decides how often a question is worth its price. */
export type BlockCause =
  /** The grant was withdrawn, or lacks a scope: only its owner can change that, and then the mailbox is told. */
  | 'consent'
  /** No credentials are stored. The question goes to the store, and costs Gmail nothing. */
  | 'credentials'
  /** Gmail refuses the mailbox. */
  | 'refusal';

/**
 * A mailbox whose work was refused for good, as far as one can tell. A person ends it, or an answer does: it is asked again by itself, ever more rarely.
 * Plain JSON, part of the workflow's state; times are epoch ms.
 */
export interface Blocked {
  readonly kind: 'needs-consent' | 'failed';
  readonly message: string;
  readonly cause: BlockCause;
  /** Whose work met it: the same work asks again. */
  readonly lane: Lane;
  readonly since: number;
  /** Questions so far that were refused. */
  readonly asks: number;
  /** When it is asked again. Nothing but a person makes it sooner: no poke, no notification. */
  readonly retryAt: number;
}

/** After one and ten minutes, hourly till the day is nearly over, then every four hours. With the two calls that found the refusal it is 24 calls on the first day. */
const HOURLY_ASKS = 22;
/** After 1 and 8 hours, then daily. */
const CONSENT_DELAYS = [1 * HOUR, 7 * HOUR];

/** Milliseconds until a mailbox is asked again that was refused so many times since it was blocked. docs/errors.md names the prices. */
export function askDelay(cause: BlockCause, asks: number): number {
  switch (cause) {
    case 'consent':
      return CONSENT_DELAYS[asks] ?? 24 * HOUR;
    case 'credentials':
      return HOUR;
    case 'refusal':
      if (asks === 0) return MINUTE;
      if (asks === 1) return 9 * MINUTE;
      return asks < HOURLY_ASKS ? HOUR : 4 * HOUR;
  }
}

export interface Refusal {
  readonly block: Blocked['kind'];
  readonly cause: BlockCause;
  readonly message: string;
  readonly lane: Lane;
  /** True when the work that was refused was the question itself. */
  readonly asked: boolean;
}

/** What one more refusal makes of it. The other lane, which was under way, meets the same: that is no question, and counts as none. */
export function afterRefusal(before: Blocked | null, { block, cause, message, lane, asked }: Refusal, now: number): Blocked {
  if (before !== null && !asked) return before;
  const asks = before?.cause === cause ? before.asks + 1 : 0;
  return { kind: block, message, cause, lane, since: before?.kind === block ? before.since : now, asks, retryAt: now + askDelay(cause, asks) };
}

/** An earlier version carried the kind and the message alone, and waited for a person: it is asked at once, and from then on as any other. */
export function completeBlocked(carried: Blocked | null, since: number): Blocked | null {
  if (carried === null) return null;
  const absent = { cause: carried.kind === 'failed' ? 'refusal' : 'consent', lane: 'live', since, asks: 0, retryAt: 0 } as const;
  return { ...absent, ...carried };
}
