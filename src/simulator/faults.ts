import { refusal, rateLimitedUntil, type ApiError } from './api-error.ts';
import type { ApiAnswer } from './http.ts';
import type { Format } from './message-json.ts';
import { canShow, interceptedAnswer, type AnsweredMethod, type Interception, type OddAnswer } from './odd-answers.ts';
import type { Random } from './random.ts';

export type FaultEffect =
  /** Refuses the call with Google's body for the reason. 403 and 429 are rate limits unless a reason is given. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly reason?: string | undefined;
      readonly message?: string | undefined;
    }
  /** The call is carried out, but the connection breaks before the answer. */
  | { readonly kind: 'reset' }
  /** The call is carried out, but the answer is cut off in the middle. */
  | { readonly kind: 'truncate' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** 429 `User-rate limit exceeded.  Retry after <time>` until that time (clock ms). */
  | { readonly kind: 'retry-after'; readonly until: number }
  /** Something between the client and Gmail answers: the call never reaches Gmail. */
  | ({ readonly kind: 'intercept' } & Interception)
  | OddAnswer;

export interface Fault {
  readonly match?: FaultMatch | undefined;
  readonly effect: FaultEffect;
  /** 1 when not given. */
  readonly probability?: number | undefined;
  /** How often the fault strikes at most; unlimited when not given. */
  readonly times?: number | undefined;
  /** Clock ms at which the fault ends. */
  readonly until?: number | undefined;
}

export interface FaultMatch {
  readonly email?: string | undefined;
  /** A method by Google's name, `batch` for a batch request as a whole, or `token` for the token endpoint. */
  readonly method?: AnsweredMethod | undefined;
  /** Also matches threads.get of its thread. */
  readonly messageId?: string | undefined;
  /** The `format` that a get of a message or thread asks for; `full` when it names none. */
  readonly format?: Format | undefined;
}

/** What a fault can strike: one API call, by itself or in a batch, or an HTTP request as a whole. */
export interface FaultSubject {
  readonly level: 'call' | 'request';
  readonly email: string | null;
  readonly method: AnsweredMethod | null;
  readonly concerns: (messageId: string) => boolean;
  /** The format that the call asks for; null for a method that has none. */
  readonly format: string | null;
}

export interface FaultOutcome {
  readonly refusal: ApiError | null;
  /** The answer that replaces the call's own. */
  readonly instead: ApiAnswer | null;
  /** Changes to the call's answer, applied in this order. */
  readonly odd: readonly OddAnswer[];
  readonly connection: 'reset' | 'truncate' | null;
  readonly slowMs: number;
}

interface Active {
  readonly fault: Fault;
  strikes: number;
}

export const NO_FAULT: FaultOutcome = { refusal: null, instead: null, odd: [], connection: null, slowMs: 0 };

/**
 * Faults on command. A fault without `method` and `messageId` that concerns the connection (reset, truncate, slow)
 * strikes once per HTTP request. Every other fault strikes individual API calls, so one call of a batch can fail while
 * the others succeed.
 */
export class Faults {
  readonly #random: Random;
  readonly #active = new Map<number, Active>();
  #added = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @returns the fault's handle; `strikes` is how often the fault has struck */
  add(fault: Fault): { readonly id: number; remove(): void; readonly strikes: number } {
    this.#added += 1;
    const id = this.#added;
    const active: Active = { fault, strikes: 0 };
    this.#active.set(id, active);
    return {
      id,
      remove: () => this.remove(id),
      get strikes() {
        return active.strikes;
      },
    };
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
      active.strikes += 1;
      if (active.strikes >= (fault.times ?? Number.POSITIVE_INFINITY)) this.#active.delete(id);
      outcome = join(outcome, effect);
      if (outcome.refusal !== null || outcome.instead !== null) break;
    }
    return outcome;
  }
}

function applies({ match = {}, effect }: Fault, subject: FaultSubject): boolean {
  const concernsConnection = effect.kind === 'reset' || effect.kind === 'truncate' || effect.kind === 'slow';
  const level =
    match.method === 'batch' ||
    match.method === 'token' ||
    (concernsConnection && match.method === undefined && match.messageId === undefined)
      ? 'request'
      : 'call';
  if (subject.level !== level) return false;
  if (subject.method === 'token' && match.method !== 'token') return false;
  if (match.method !== undefined && match.method !== subject.method) return false;
  if (!canShow(effect.kind, subject.method)) return false;
  if (match.email !== undefined && match.email.toLowerCase() !== subject.email) return false;
  if (match.format !== undefined && match.format !== subject.format) return false;
  return match.messageId === undefined || subject.concerns(match.messageId);
}

function join(before: FaultOutcome, effect: FaultEffect): FaultOutcome {
  switch (effect.kind) {
    case 'status':
      return { ...before, refusal: refusal(effect.status, effect) };
    case 'retry-after':
      return { ...before, refusal: rateLimitedUntil(effect.until) };
    case 'slow':
      return { ...before, slowMs: before.slowMs + effect.ms };
    case 'reset':
    case 'truncate':
      return { ...before, connection: effect.kind };
    case 'intercept':
      return { ...before, instead: interceptedAnswer(effect) };
    case 'empty-page':
    case 'cut-page':
    case 'repeat-token':
    case 'empty-object':
    case 'replace':
      return { ...before, odd: [...before.odd, effect] };
  }
}
