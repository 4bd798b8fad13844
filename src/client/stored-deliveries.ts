import { knownOptions, wholeFrom, type OptionNames } from '../model/options.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { Subscription } from '../model/subscription.ts';
import type {
  DeliveryCounts,
  DeliveryPosition,
  ParkedChange,
  SubscriptionStore,
} from '../store/subscriptions/subscription-store.ts';
import type { TestedWebhook, WebhookAccess, WebhookTest } from './webhook-access.ts';

/** A subscription, with how many mailboxes it is failing in and how many changes and events are parked. */
export type CountedSubscription = Subscription & Omit<DeliveryCounts, 'name'>;

/** What {@link Deliveries} reads and writes. */
export interface DeliveriesMeans {
  readonly store: SubscriptionStore;
  readonly webhooks: WebhookAccess;
}

const WEBHOOK_TEST: OptionNames<WebhookTest> = { url: true, secret: true, allowPrivate: true, signal: true };

/** Subscriptions and their deliveries, as the database knows them. No Temporal server is asked. */
export class Deliveries {
  readonly #store: DeliveriesMeans['store'];
  readonly #webhooks: WebhookAccess;

  /** @internal */
  constructor({ store, webhooks }: DeliveriesMeans) {
    this.#store = store;
    this.#webhooks = webhooks;
  }

  /**
   * Every subscription, in the order of names.
   *
   * @returns the subscriptions, each with its counts
   * @throws {StoreError} when the database cannot be used
   */
  async subscriptions(): Promise<readonly CountedSubscription[]> {
    const counts = new Map((await this.#store.countDeliveries()).map((each) => [each.name, each]));
    return (await this.#store.listSubscriptions()).map((subscription) => {
      const { failing = 0, parked = 0 } = counts.get(subscription.name) ?? {};
      return { ...subscription, failing, parked };
    });
  }

  /**
   * How far a subscription is in each mailbox that it asks for.
   *
   * @param name - the subscription's name
   * @returns its place in each mailbox that it asks for
   * @throws {CannotDoError} `subscription-unknown`
   */
  async positions(name: string): Promise<readonly DeliveryPosition[]> {
    await this.required(name);
    return this.#store.readPositions(name);
  }

  /**
   * The latest changes and events that are parked, because their attempts failed.
   *
   * @param name - the subscription's name
   * @param options - `limit`: the most changes and events to return, 1,000 by default
   * @returns changes and events, each with its error
   * @throws {CannotDoError} `subscription-unknown`
   */
  async parked(name: string, options: { readonly limit?: number } = {}): Promise<readonly ParkedChange[]> {
    const { limit = 1_000 } = knownOptions('parked', options, { limit: true });
    await this.required(name);
    return this.#store.listParked({ name, limit: wholeFrom(1, 'limit', limit) });
  }

  /**
   * Ends a subscription: its positions, its secrets and what is parked are deleted. A worker that still has a handler
   * of that name makes it again when it starts.
   *
   * @param name - the subscription's name
   * @throws {CannotDoError} `subscription-unknown`
   */
  async unsubscribe(name: string): Promise<void> {
    if (!(await this.#store.removeSubscription(name))) throw unknown(name);
    await this.#webhooks.forget(name);
  }

  /**
   * Sends one signed webhook of type `webhook.test` to a receiver, once. No subscription is needed, and none changes.
   *
   * @param request - the receiver, and the secret that signs
   * @returns what the receiver verifies with
   * @throws {CannotDoError} `webhook-refused` when a webhook may not be sent there; `webhook-not-accepted` when the
   * receiver did not accept it, with what it answered
   * @throws {InvalidWebhookSecretError} when the secret is not one
   * @example
   *   const { receiverKey } = await tidemark.client.deliveries.testWebhook({ url: 'https://example.com/hooks' });
   */
  async testWebhook(request: WebhookTest): Promise<TestedWebhook> {
    return this.#webhooks.test(knownOptions('testWebhook', request, WEBHOOK_TEST));
  }

  /**
   * @internal
   * @throws {CannotDoError} `subscription-unknown`
   */
  protected async required(name: string): Promise<Subscription> {
    const subscription = (await this.#store.listSubscriptions()).find((each) => each.name === name);
    if (subscription === undefined) throw unknown(name);
    return subscription;
  }
}

function unknown(name: string): CannotDoError {
  return new CannotDoError('subscription-unknown', `There is no subscription "${name}".`, {
    remedy: { kind: 'list-subscriptions' },
  });
}
