import type { Client } from '@temporalio/client';

import type { MailboxId } from '../model/ids.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { Subscription } from '../model/subscription.ts';
import type {
  DeliveryCounts,
  DeliveryPosition,
  ParkedChange,
  SubscriptionStore,
} from '../store/subscriptions/subscription-store.ts';
import { deliver, workflowIdOf } from '../workflows/definitions.ts';
import { MailboxNotRunningError } from './errors.ts';
import type { Rpc } from './rpc.ts';

/** A subscription, with how many mailboxes of it wait and how many changes were set aside. */
export type CountedSubscription = Subscription & Omit<DeliveryCounts, 'name'>;

/** Where a replay begins: after a sequence number of one mailbox, or at the first change since a time (epoch ms). */
export type ReplayFrom =
  { readonly mailbox: MailboxId; readonly after: number } | { readonly mailbox?: MailboxId; readonly since: number };

/** Subscriptions and their deliveries, for an operator. Only {@link DeliveriesClient.replay} needs Temporal. */
export class DeliveriesClient {
  readonly #temporal: Client;
  readonly #rpc: Rpc;
  readonly #store: SubscriptionStore;

  constructor({ temporal, rpc, store }: { temporal: Client; rpc: Rpc; store: SubscriptionStore }) {
    this.#temporal = temporal;
    this.#rpc = rpc;
    this.#store = store;
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
   * @returns the mailboxes that go back; none of them when the subscription is not that far yet
   * @throws {CannotDoError} `subscription-unknown`
   * @throws {TidemarkError} when Temporal cannot be used. The mailboxes then go back with their next sync
   */
  async replay(name: string, from: ReplayFrom): Promise<readonly MailboxId[]> {
    await this.#require(name);
    const place = 'after' in from ? { after: from.after } : { since: from.since };
    const mailboxes = await this.#store.replay({ name, mailbox: from.mailbox ?? null, from: place });
    for (const mailbox of mailboxes) await this.#wake(mailbox);
    return mailboxes;
  }

  /**
   * Ends a subscription: its positions and what it set aside are deleted. A worker that still has a handler of that
   * name makes it again when it starts.
   *
   * @throws {CannotDoError} `subscription-unknown`
   */
  async unsubscribe(name: string): Promise<void> {
    if (!(await this.#store.removeSubscription(name))) throw unknown(name);
  }

  async #wake(mailbox: MailboxId): Promise<void> {
    try {
      await this.#rpc({ mailbox }, () => this.#temporal.workflow.getHandle(workflowIdOf(mailbox)).signal(deliver));
    } catch (error) {
      if (!(error instanceof MailboxNotRunningError)) throw error;
    }
  }

  async #require(name: string): Promise<void> {
    if (!(await this.#store.listSubscriptions()).some((subscription) => subscription.name === name))
      throw unknown(name);
  }
}

function unknown(name: string): CannotDoError {
  return new CannotDoError(
    'subscription-unknown',
    `There is no subscription "${name}". List all: tidemark subscriptions`,
  );
}
