import type { DeliveryOrder } from '../model/subscription.ts';
import type { FixedDelivery } from '../store/subscriptions/delivery-store.ts';
import { retryDelay } from './backoff.ts';

/**
 * Unended attempts after which a change is parked, whatever the subscription says about attempts. A worker may also be
 * killed for other reasons (a deploy, another mailbox's mail), and such an attempt counts, too, until a delivery is
 * accepted.
 */
const PARKED_AFTER = 5;
/**
 * Unended attempts after which a batch is split. Nothing is parked then: the changes of the batch are delivered one by
 * one.
 */
const SPLIT_AFTER = 2;

export type AfterUnended =
  /** `pause`: until when nothing is attempted if this attempt does not end either, and why. */
  | { readonly kind: 'attempt'; readonly pause: { readonly until: number; readonly reason: string } | null }
  /** For a batch: each of its changes is delivered by itself from now on. */
  | { readonly kind: 'park'; readonly reason: string };

/**
 * What follows attempts whose end no worker has reported. A handler that ends its process, or blocks it until
 * heartbeats are missing, can fail in no other way. Pure.
 *
 * @param at.now - epoch ms
 * @param at.random - uniform in [0, 1)
 */
export function afterUnended(
  order: DeliveryOrder,
  { unended, holds, isEvent }: Pick<FixedDelivery, 'unended' | 'holds' | 'isEvent'>,
  { now, random }: { readonly now: number; readonly random: number },
): AfterUnended {
  if (unended === 0) return { kind: 'attempt', pause: null };
  const most = holds > 1 ? SPLIT_AFTER : PARKED_AFTER;
  const canPark = order.kind === 'park';
  const what = isEvent ? 'this event' : holds > 1 ? 'these changes' : 'this change';
  if (canPark && unended >= most) return { kind: 'park', reason: reasonOf(`${unended} times`, what) };
  // If this attempt does not end either, the delivery is parked, and needs no pause.
  if (canPark && unended + 1 >= most) return { kind: 'attempt', pause: null };
  const delay = retryDelay({ failures: unended + 1, elapsed: 0, asked: null, random }) ?? 0;
  const times = unended === 1 ? 'at least once' : `at least ${unended} times`;
  return { kind: 'attempt', pause: { until: now + delay, reason: reasonOf(times, what) } };
}

/** Why a replay of a parked change or event has failed, when no worker reported the end of its attempt. */
export const unendedReplay = (isEvent: boolean): string =>
  reasonOf('once more', isEvent ? 'this event' : 'this change');

const reasonOf = (times: string, what: string): string =>
  `The worker ended, stopped answering, or lost its database, ${times} while it handled ${what}`;
