import type { Clock } from '../../model/clock.ts';
import type { GmailMethod } from '../../model/prices.ts';
import { INVALID_PAGE_TOKEN, type CalledMethod } from '../api/classify.ts';
import type { GmailFailure } from '../api/gmail-error.ts';

const SECOND = 1_000;
/** Attempts at a call that got no usable answer: 0.4 + 0.8 + 1.6 + 3.2 seconds of waiting at most. */
const ATTEMPTS = 5;
const FIRST_BACKOFF = 400;
/** Consecutive rate refusals, and ms since the first of them, after which a call fails for now. */
const MAX_REFUSALS = 6;
const LONGEST_REFUSED = 5 * SECOND;
/** Waits after a refusal without a cause that somebody could fix. Mostly the second call succeeds. */
const UNEXPLAINED = [1 * SECOND, 4 * SECOND, 12 * SECOND];
/**
 * The wait after a refusal with a named cause. One more call is made, since a newly enabled API is refused for a while,
 * and a single answer never stops a mailbox.
 */
const NAMED = [3 * SECOND];
const ONCE = [1 * SECOND];
/** A watch costs 100 units, and its activity asks again later by itself. */
const ASKED_AGAIN_ELSEWHERE = new Set<CalledMethod>(['watch', 'stop']);

/** A call that an earlier session made once, in vain. A session that makes the call again counts it. */
export interface FailedCall {
  readonly method: GmailMethod;
  readonly failure: GmailFailure;
}

/**
 * Counts the failures of one call and decides how long to wait before it is made again. Each kind of failure has its
 * own limit.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #method: CalledMethod;
  readonly #met = new Map<GmailFailure['kind'], number>();
  #refusedSince: number | null = null;

  constructor(method: CalledMethod, clock: Clock) {
    this.#method = method;
    this.#clock = clock;
  }

  /** @returns milliseconds until the next attempt, 0 when the pacer knows the wait; null when the failure is final */
  after(failure: GmailFailure): number | null {
    const met = (this.#met.get(failure.kind) ?? 0) + 1;
    this.#met.set(failure.kind, met);
    switch (failure.kind) {
      case 'rate-limited':
        this.#refusedSince ??= this.#clock.now();
        if (failure.limit === 'daily' || met >= MAX_REFUSALS) return null;
        if (this.#clock.now() - this.#refusedSince >= LONGEST_REFUSED) return null;
        return failure.limit === 'concurrency' ? this.#jittered(met) : 0;
      case 'unavailable':
        return met < this.#attemptsAt(failure) ? this.#jittered(met - 1) : null;
      case 'refused':
        return this.#oneOf(UNEXPLAINED, met);
      case 'mailbox-unavailable':
      case 'scope-missing':
      case 'scope-barred':
        return this.#oneOf(NAMED, met);
      case 'consent-revoked':
        // The token endpoint said so, whatever the call was. Gmail's refusal of the last token confirms it, or one more
        // call does.
        return met === 1 && failure.tokenRefused !== true ? SECOND : null;
      case 'history-expired':
        return this.#oneOf(ONCE, met);
      case 'invalid-request':
        return this.#oneOf(failure.reason === INVALID_PAGE_TOKEN ? [] : ONCE, met);
      case 'not-found':
        return null;
    }
  }

  /**
   * An attachment costs as much as a message. If Gmail answers without it, one more attempt is enough: it is asked for
   * again another day.
   */
  #attemptsAt({ detail }: Extract<GmailFailure, { kind: 'unavailable' }>): number {
    return this.#method === 'messages.attachments.get' && detail !== undefined ? 2 : ATTEMPTS;
  }

  /** Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
  #jittered(exponent: number): number {
    return this.#clock.random() * FIRST_BACKOFF * 2 ** exponent;
  }

  #oneOf(waits: readonly number[], met: number): number | null {
    const wait = ASKED_AGAIN_ELSEWHERE.has(this.#method) ? undefined : waits[met - 1];
    return wait === undefined ? null : wait * (0.75 + this.#clock.random() / 4);
  }
}
