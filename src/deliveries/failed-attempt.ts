import type { Remedy } from '../model/remedy.ts';
import type { DeliveryOrder } from '../model/subscription.ts';
import type { BegunDelivery, FailedDelivery } from '../store/subscriptions/delivery-store.ts';
import { retryDelay } from './backoff.ts';

/** Why an attempt failed. */
export interface AttemptFailure {
  /** For the operator; kept in the store only, since it may repeat mail. */
  readonly reason: string;
  /** Ms that the target asked to wait; null when it did not ask. */
  readonly asked: number | null;
  /** What a person can do about it; absent when only its cause can be removed. */
  readonly remedy?: Remedy | null;
}

/** Attempts at a change that is delivered by itself after its batch kept failing. */
const ATTEMPTS_ALONE = 3;
/** Ms between attempts after three days, for a subscription that parks nothing. */
const ABOVE_ALL_DELAY = 4 * 3_600_000;

/** The failure of a handler that threw. */
export function failureOf(error: unknown): AttemptFailure {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'The handler threw what is no error.';
  return { reason, asked: null };
}

/**
 * What follows a failed attempt. Pure.
 *
 * @param failure.now - epoch ms
 * @param failure.random - uniform in [0, 1)
 */
export function nextAfter(
  order: DeliveryOrder,
  {
    attempt,
    firstAttemptAt,
    isSplit,
    isReplay,
    changes,
  }: Pick<BegunDelivery, 'attempt' | 'firstAttemptAt' | 'isSplit' | 'isReplay' | 'changes'>,
  { asked, now, random }: AttemptFailure & { readonly now: number; readonly random: number },
): FailedDelivery['next'] {
  if (isReplay) return { kind: 'park' };
  const delay = retryDelay({ failures: attempt, elapsed: now - firstAttemptAt, asked, random });
  if (order.kind === 'above-all') return { kind: 'retry', at: now + (delay ?? Math.max(asked ?? 0, ABOVE_ALL_DELAY)) };
  const isAlone = isSplit && changes.length === 1;
  const most = isAlone ? Math.min(ATTEMPTS_ALONE, order.attempts ?? ATTEMPTS_ALONE) : (order.attempts ?? Infinity);
  return delay === null || attempt >= most ? { kind: 'park' } : { kind: 'retry', at: now + delay };
}
