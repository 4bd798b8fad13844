import type { Beginning, FilterOptions, DeliveryOrderChange } from '../model/subscription.ts';
import type { WebhookField } from '../model/webhook-field.ts';

/** A subscription with a webhook. When the subscription exists already, what is absent here stays as it is. */
export interface WebhookSubscription {
  /** Where webhooks are sent. A new subscription needs it. */
  readonly url?: string;
  /** Every change by default. It replaces the whole filter. */
  readonly filter?: FilterOptions;
  /** Where a new subscription begins; `now` by default. It is refused for a subscription that exists: see `replay`. */
  readonly beginning?: Beginning;
  /** The most changes in a webhook: 50 by default, 500 at most. A body of 20 KB may hold fewer. */
  readonly batch?: number;
  /**
   * By default, a delivery that keeps failing is parked after three days. `{ attempts }` without `kind` changes a
   * subscription that parks; `{ kind: 'park' }` without `attempts` keeps the attempts.
   */
  readonly order?: DeliveryOrderChange;
  /** What payloads hold of a message besides ids and labels; nothing by default. */
  readonly fields?: readonly WebhookField[];
  /** A link to each message, such as `https://api.example.com/mail/{mailbox}/{messageId}`; null for none. */
  readonly link?: string | null;
  /** Allows a receiver at an address that is not public, and http; false by default. */
  readonly allowPrivate?: boolean;
  /**
   * The secret that signs: a new one, or the text of one (`whsec_…` or `whsk_…`). By default, a new subscription gets a
   * new symmetric secret. The former secret signs as well until {@link WebhookSubscription.dropFormerSecret}.
   */
  readonly secret?: { readonly new: 'symmetric' | 'ed25519' } | { readonly text: string };
  /** Keeps only the newest secret. */
  readonly dropFormerSecret?: boolean;
}

/** What became of a subscription with a webhook. */
export interface SubscribedWebhook {
  /** What the call did. */
  readonly change: 'made' | 'changed' | 'same';
  /** Where webhooks are sent. */
  readonly url: string;
  /** What the receiver verifies with, when this call made or took a secret; null otherwise. It is not shown again. */
  readonly receiverKey: string | null;
  /** How many secrets sign. */
  readonly secrets: number;
}

/** A trial of a receiver of webhooks. */
export interface WebhookTest {
  /** Where the event is sent. */
  readonly url: string;
  /** The secret that signs, `whsec_…` or `whsk_…`; a new one by default. */
  readonly secret?: string;
  /** Allows a receiver at an address that is not public, and http; false by default. */
  readonly allowPrivate?: boolean;
  /** Ends the trial, with its reason as the error. */
  readonly signal?: AbortSignal;
}

/** A webhook that its receiver has accepted. */
export interface TestedWebhook {
  /** How long the receiver took. */
  readonly milliseconds: number;
  /** What the receiver verifies with. */
  readonly receiverKey: string;
}

/** Makes subscriptions with webhooks, and tries receivers out. It checks addresses and keeps keys. */
export interface WebhookAccess {
  /**
   * @throws {CannotDoError} `webhook-refused` or `webhook-not-accepted`
   * @throws {InvalidWebhookSecretError} when the secret is not one
   */
  test(request: WebhookTest): Promise<TestedWebhook>;
  /**
   * @throws {InvalidSubscriptionError} when the subscription cannot be made as it is described
   * @throws {FeedError} when the subscription is new, and the cursor of its beginning is no place to go on from
   */
  subscribe(name: string, wanted: WebhookSubscription): Promise<SubscribedWebhook>;
  /** Deletes the keys of a subscription. */
  forget(name: string): Promise<void>;
}
