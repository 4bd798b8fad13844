import { ApiError, defaultRefusal, retryAfter } from './api-error.ts';
import type { ApiMethod } from './prices.ts';
import type { Random } from './random.ts';

export type FaultEffect =
  /** Refused with Google's body for that reason; 403 and 429 are rate limits unless a reason says otherwise. */
  | { readonly kind: 'status'; readonly status: number; readonly reason?: string | undefined; readonly message?: string | undefined }
  /** The call is done, and the connection breaks before the answer. */
  | { readonly kind: 'reset' }
  /** The call is done, and the answer ends in its middle. */
  | { readonly kind: 'truncate' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** 429 `User-rate limit exceeded.  Retry after <time>` until that time (clock ms). */
  | { readonly kind: 'retry-after'; readonly until: number };

export interface Fault {
  readonly match?: FaultMatch | undefined;
  readonly effect: FaultEffect;
  /** 1 when not given. */
  readonly probability?: number | undefined;
  /** How often at most; without end when not given. */
  readonly times?: number | undefined;
  /** Clock ms from which the fault is over. */
  readonly until?: number | undefined;
}

export interface FaultMatch {
  readonly email?: string | undefined;
  /** A method by Google's name, `batch` for a batch request as a whole, or `token` for the token endpoint. */
  readonly method?: ApiMethod | 'batch' | 'token' | undefined;
  /** Also matches threads.get of its thread. */
  readonly messageId?: string | undefined;
}

/** What is being called: one API call, alone or within a batch, or an HTTP request as a whole. */
export interface FaultSubject {
  readonly level: 'call' | 'request';
  readonly email: string | null;
  readonly method: ApiMethod | 'batch' | 'token' | null;
  readonly concerns: (messageId: string) => boolean;
}

export interface FaultOutcome {
  readonly refusal: ApiError | null;
  readonly connection: 'reset' | 'truncate' | null;
  readonly slowMs: number;
}

export const NO_FAULT: FaultOutcome = { refusal: null, connection: null, slowMs: 0 };

/**
 * Faults on command. A fault without `method` and `messageId` that concerns the connection (reset, truncate, slow) strikes once per HTTP request;
 * every other one strikes each API call by itself, so that one call of a batch fails while its neighbours succeed.
 */
export class Faults {
  readonly #random: Random;
  readonly #active = new Map<number, { fault: Fault; left: number }>();
  #added = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  add(fault: Fault): { readonly id: number; remove(): void } {
    this.#added += 1;
    const id = this.#added;
    this.#active.set(id, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    return { id, remove: () => this.remove(id) };
  }

  remove(id: number): void {
    this.#active.delete(id);
  }

  clear(): void {
    this.#active.clear();
  }

  /** Which faults strike now; counts them as used. */
  strike(subject: FaultSubject, now: number): FaultOutcome {
    if (this.#active.size === 0) return NO_FAULT;
    let outcome = NO_FAULT;
    for (const [id, active] of this.#active) {
      const { fault } = active;
      const { effect } = fault;
      if (now >= (fault.until ?? Number.POSITIVE_INFINITY) || (effect.kind === 'retry-after' && now >= effect.until)) {
        this.#active.delete(id);
        continue;
      }
      if (!applies(fault, subject) || !this.#random.chance(fault.probability ?? 1)) continue;
      active.left -= 1;
      if (active.left <= 0) this.#active.delete(id);
      outcome = join(outcome, effect);
      if (outcome.refusal !== null) break;
    }
    return outcome;
  }
}

function applies({ match = {}, effect }: Fault, subject: FaultSubject): boolean {
  const concernsConnection = effect.kind === 'reset' || effect.kind === 'truncate' || effect.kind === 'slow';
  const level = match.method === 'batch' || match.method === 'token' || (concernsConnection && match.method === undefined && match.messageId === undefined) ? 'request' : 'call';
  if (subject.level !== level) return false;
  if (subject.method === 'token' && match.method !== 'token') return false;
  if (match.method !== undefined && match.method !== subject.method) return false;
  if (match.email !== undefined && match.email.toLowerCase() !== subject.email) return false;
  return match.messageId === undefined || subject.concerns(match.messageId);
}

function join(before: FaultOutcome, effect: FaultEffect): FaultOutcome {
  switch (effect.kind) {
    case 'status': {
      const { reason, message } = defaultRefusal(effect.status);
      return { ...before, refusal: new ApiError(effect.status, effect.reason ?? reason, effect.message ?? message) };
    }
    case 'retry-after':
      return { ...before, refusal: retryAfter(effect.until) };
    case 'slow':
      return { ...before, slowMs: before.slowMs + effect.ms };
    case 'reset':
    case 'truncate':
      return { ...before, connection: effect.kind };
  }
}
