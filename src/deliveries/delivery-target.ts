import type { Change } from '../model/change.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Subscription } from '../model/subscription.ts';
import type { Reader } from '../reading/open-reader.ts';
import type { BegunDelivery, DeliveryStore } from '../store/subscriptions/delivery-store.ts';
import type { SubscriptionStore } from '../store/subscriptions/subscription-store.ts';
import type { AttemptFailure } from './failed-attempt.ts';

/** What targets of deliveries use. */
export interface TargetMeans {
  readonly store: DeliveryStore & Pick<SubscriptionStore, 'endSubscription'>;
  readonly clock: Clock;
  readonly reader: Pick<Reader, 'mailbox'>;
}

/** The mailbox and the subscription whose changes a target takes. */
export interface Delivering {
  readonly mailbox: MailboxId;
  readonly subscription: Subscription;
  readonly signal: AbortSignal;
}

/** Takes the changes of one mailbox for one subscription. */
export interface DeliveryTarget {
  /**
   * How many of the first changes one delivery can hold, at least one. Asked once, at the first attempt of the
   * delivery. Absent when a delivery can hold any number.
   */
  fitting?(changes: readonly Change[]): Promise<number>;
  /**
   * Hands a delivery over, and moves the position when it is accepted.
   *
   * @throws {StoreError} when the store cannot be used
   * @throws the signal's reason when it aborts
   */
  take(delivery: BegunDelivery): Promise<TakenDelivery>;
}

export type TakenDelivery =
  | { readonly kind: 'accepted' }
  | ({ readonly kind: 'failed' } & AttemptFailure)
  /** The target wants no more, and the subscription has ended. */
  | { readonly kind: 'ended' }
  /** The target returned, but the connection of its transaction was lost. */
  | { readonly kind: 'lost'; readonly error: unknown };

/** @returns null when this worker does not have the target */
export type TargetOf = (delivering: Delivering) => DeliveryTarget | null;
