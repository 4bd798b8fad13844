import type { Beginning, FilterOptions, DeliveryOrderChange } from '../model/subscription.ts';
import type { WebhookField } from '../model/webhook-field.ts';

/** A subscription with a webhook. Of one that there is already, what is absent stays as it is. */
export interface WebhookSubscription {
  /** Where webhooks are sent. A new subscription needs it. */
  readonly url?: string;
  /** Every change unless given. It replaces the whole filter. */
  readonly filter?: FilterOptions;
  /** Of a new subscription; `now` unless given. It is refused where there is one: see `replay`. */
  readonly beginning?: Beginning;
  /** The most changes in a webhook: 50 unless given, 500 at most. A body of 20 KB may hold fewer. */
  readonly batch?: number;
  /**
   * A delivery that keeps failing is parked after three days unless given. `{ attempts }` alone changes a subscription
   * that parks, `{ kind: 'park' }` alone keeps its attempts.
   */
  readonly order?: DeliveryOrderChange;
  /** What payloads hold of a message besides ids and labels; nothing unless given. */
  readonly fields?: readonly WebhookField[];
  /** A link to each message, such as `https://api.example.com/mail/{mailbox}/{messageId}`; null for none. */
  readonly link?: string | null;
  /** Allows a receiver at an address that is not public, and http; false unless given. */
  readonly allowPrivate?: boolean;
  /**
   * The key that signs: a new one, or a given `whsec_…` or `whsk_…`. A new subscription gets a new symmetric one unless
   * given. The key of before signs as well until {@link WebhookSubscription.dropFormerSecret}.
   */
  readonly secret?: { readonly new: 'symmetric' | 'ed25519' } | { readonly text: string };
  /** Leaves the newest key only. */
  readonly dropFormerSecret?: boolean;
}

/** What a subscription of a webhook has come to. */
export interface SubscribedWebhook {
  /** What the call did. */
  readonly change: 'made' | 'changed' | 'same';
  /** Where webhooks are sent. */
  readonly url: string;
  /** What the receiver verifies with, when this call made or took a key; null otherwise. It is not shown again. */
  readonly receiverKey: string | null;
  /** How many keys sign. */
  readonly secrets: number;
}

/** A trial of a receiver of webhooks. */
export interface WebhookTest {
  /** Where the event is sent. */
  readonly url: string;
  /** The key that signs, `whsec_…` or `whsk_…`; a new one unless given. */
  readonly secret?: string;
  /** Allows a receiver at an address that is not public, and http; false unless given. */
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
   * @throws {InvalidSubscriptionError} when it cannot be made as it is described
   * @throws {FeedError} when it is new, and the cursor of its beginning is no place to go on from
   */
  subscribe(name: string, wanted: WebhookSubscription): Promise<SubscribedWebhook>;
  /** Deletes the keys of a subscription. */
  forget(name: string): Promise<void>;
}
