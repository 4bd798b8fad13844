import type { Client } from '@temporalio/client';

import type { MailboxId } from '../model/ids.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Subscription, SubscriptionTarget } from '../model/subscription.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type {
  DeliveryCounts,
  DeliveryPosition,
  DeliveryStore,
  ParkedChange,
  ReplayedMailbox,
  SubscriptionStore,
} from '../store/subscriptions/subscription-store.ts';
import type { Rpc } from './rpc.ts';
import { wakeDeliveries, wakeMailbox } from './wake-deliveries.ts';
import type {
  SubscribedWebhook,
  TestedWebhook,
  WebhookAccess,
  WebhookSubscription,
  WebhookTest,
} from './webhook-access.ts';

/** A subscription, with how many mailboxes of it wait and how many changes were set aside. */
export type CountedSubscription = Subscription & Omit<DeliveryCounts, 'name'>;

/** Where a replay begins: after a sequence number of one mailbox, or at the first change since a time (epoch ms). */
export type ReplayFrom =
  { readonly mailbox: MailboxId; readonly after: number } | { readonly mailbox?: MailboxId; readonly since: number };

interface DeliveriesClientOptions {
  readonly temporal: Client;
  readonly rpc: Rpc;
  readonly store: SubscriptionStore & Pick<MailboxRegistry, 'listMailboxes'> & Pick<DeliveryStore, 'findDeliveries'>;
  readonly clock: Clock;
  readonly webhooks: WebhookAccess;
}

/** Subscriptions and their deliveries. Only `subscribe` and `replay` need Temporal: they wake mailboxes. */
export class DeliveriesClient {
  readonly #temporal: Client;
  readonly #rpc: Rpc;
  readonly #store: DeliveriesClientOptions['store'];
  readonly #clock: Clock;
  readonly #webhooks: WebhookAccess;

  constructor({ temporal, rpc, store, clock, webhooks }: DeliveriesClientOptions) {
    this.#temporal = temporal;
    this.#rpc = rpc;
    this.#store = store;
    this.#clock = clock;
    this.#webhooks = webhooks;
  }

  /**
   * Makes a subscription with a webhook, or changes one. Running mailboxes that have changes for it begin at once.
   *
   * @returns what the receiver verifies with, when a key was made or given
   * @throws {InvalidSubscriptionError} when it cannot be made as it is described; nothing has changed then
   * @throws {SecretKeyError} when there is no key to encrypt its keys with
   * @throws {TidemarkError} when Temporal cannot be used. The subscription is made; mailboxes deliver with their next
   * sync
   * @example
   *   const { receiverKey } = await tidemark.client.deliveries.subscribe('crm', { url: 'https://example.com/hooks' });
   */
  async subscribe(name: string, wanted: WebhookSubscription): Promise<SubscribedWebhook> {
    const subscribed = await this.#webhooks.subscribe(name, wanted);
    if (subscribed.change === 'same') return subscribed;
    await wakeDeliveries({
      store: this.#store,
      clock: this.#clock,
      target: 'webhook',
      wake: (mailbox) => this.#wake(mailbox, 'webhook'),
    });
    return subscribed;
  }

  /** Every subscription, in the order of names. */
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
   * @throws {CannotDoError} `subscription-unknown`
   */
  async positions(name: string): Promise<readonly DeliveryPosition[]> {
    await this.#require(name);
    return this.#store.readPositions(name);
  }

  /**
   * The latest changes that were set aside.
   *
   * @throws {CannotDoError} `subscription-unknown`
   */
  async parked(name: string, { limit = 1_000 }: { limit?: number } = {}): Promise<readonly ParkedChange[]> {
    await this.#require(name);
    return this.#store.listParked({ name, limit });
  }

  /**
   * Delivers again what was delivered, or parked, since a place. The deliveries have new ids. Running mailboxes begin
   * at once, others when they are started.
   *
   * @returns the mailboxes that go back, and how many changes of each are not kept any more; none of them when the
   * subscription is not that far yet
   * @throws {CannotDoError} `subscription-unknown`
   * @throws {TidemarkError} when Temporal cannot be used. The mailboxes then go back with their next sync
   */
  async replay(name: string, from: ReplayFrom): Promise<readonly ReplayedMailbox[]> {
    const { target } = await this.#require(name);
    const place = 'after' in from ? { after: from.after } : { since: from.since };
    const replayed = await this.#store.replay({ name, mailbox: from.mailbox ?? null, from: place });
    for (const { mailbox } of replayed) await this.#wake(mailbox, target.kind);
    return replayed;
  }

  /**
   * Ends a subscription: its positions, its keys and what it set aside are deleted. A worker that still has a handler
   * of that name makes it again when it starts.
   *
   * @throws {CannotDoError} `subscription-unknown`
   */
  async unsubscribe(name: string): Promise<void> {
    if (!(await this.#store.removeSubscription(name))) throw unknown(name);
    await this.#webhooks.forget(name);
  }

  /**
   * Sends one signed event of type `webhook.test` to a receiver, once. No subscription is needed, and none changes.
   *
   * @throws {CannotDoError} `webhook-refused` when a webhook may not be sent there; `webhook-not-accepted` when the
   * receiver did not accept it, with what it answered
   * @throws {InvalidWebhookSecretError} when the secret is not one
   * @example
   *   const { receiverKey } = await tidemark.client.deliveries.testWebhook({ url: 'https://example.com/hooks' });
   */
  async testWebhook(request: WebhookTest): Promise<TestedWebhook> {
    return this.#webhooks.test(request);
  }

  async #wake(mailbox: MailboxId, target: SubscriptionTarget['kind']): Promise<void> {
    await this.#rpc({ mailbox }, () => wakeMailbox(this.#temporal.workflow, mailbox, target));
  }

  async #require(name: string): Promise<Subscription> {
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
