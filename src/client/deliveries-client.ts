import type { Client } from '@temporalio/client';

import { mailboxId, type MailboxId } from '../model/ids.ts';
import { epochMs } from '../model/point-in-time.ts';
import type { Clock } from '../model/clock.ts';
import { knownOptions } from '../model/options.ts';
import { CannotDoError, UsageError } from '../model/program-errors.ts';
import type { SubscriptionTarget } from '../model/subscription.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { DeliveryStore } from '../store/subscriptions/delivery-store.ts';
import type { DeliveryStart, ReplayedMailbox, ReplayedParked } from '../store/subscriptions/subscription-store.ts';
import { Deliveries, type DeliveriesMeans } from './stored-deliveries.ts';
import type { Rpc } from './rpc.ts';
import { describedRun } from './described-run.ts';
import { wakeDeliveries, wakeMailbox } from './wake-deliveries.ts';
import type { SubscribedWebhook, WebhookAccess, WebhookSubscription } from './webhook-access.ts';

/**
 * Where a replay begins: after the change that has this cursor of the change feed; after the change that has this
 * sequence number, in one mailbox; or at the first change since a time (a date, or epoch milliseconds).
 */
export type ReplayFrom =
  | { readonly mailbox: string; readonly after: string | number }
  | { readonly mailbox?: string; readonly after: string }
  | { readonly mailbox?: string; readonly since: Date | number };

interface DeliveriesClientOptions {
  readonly temporal: Client;
  readonly rpc: Rpc;
  readonly store: DeliveriesMeans['store'] &
    Pick<MailboxRegistry, 'listMailboxes'> &
    Pick<DeliveryStore, 'findDeliveries'>;
  readonly clock: Clock;
  readonly webhooks: WebhookAccess;
}

/** Subscriptions and their deliveries. Only `subscribe` and `replay` need Temporal: they wake mailboxes. */
export class DeliveriesClient extends Deliveries {
  readonly #temporal: Client;
  readonly #rpc: Rpc;
  readonly #store: DeliveriesClientOptions['store'];
  readonly #clock: Clock;
  readonly #webhooks: WebhookAccess;

  /** @internal */
  constructor({ temporal, rpc, store, clock, webhooks }: DeliveriesClientOptions) {
    super({ store, webhooks });
    this.#temporal = temporal;
    this.#rpc = rpc;
    this.#store = store;
    this.#clock = clock;
    this.#webhooks = webhooks;
  }

  /**
   * Makes a subscription with a webhook, or changes one. Running mailboxes that have changes for it begin at once.
   *
   * @param name - the subscription's name; a subscription that exists is changed
   * @param wanted - the receiver, and what it gets
   * @returns what the receiver verifies with, when a key was made or given
   * @throws {InvalidSubscriptionError} when the subscription cannot be made as it is described; nothing has changed
   * then
   * @throws {InvalidCursorError | CursorAheadError | FeedReplacedError | CursorPrunedError} when the subscription is
   * new, and the cursor of its beginning is no place to go on from; nothing has changed then
   * @throws {SecretKeyError} when there is no key with which to encrypt the subscription's keys
   * @throws {TidemarkError} when Temporal cannot be used; nothing has changed then. If Temporal fails only later in the
   * call, the subscription is made, and mailboxes deliver with their next sync
   * @example
   *   const { receiverKey } = await tidemark.client.deliveries.subscribe('crm', { url: 'https://example.com/hooks' });
   */
  async subscribe(name: string, wanted: WebhookSubscription): Promise<SubscribedWebhook> {
    await this.#requireServer();
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

  /**
   * Delivers again everything from a place on, whether it was delivered or parked. The deliveries have new ids. Running
   * mailboxes begin at once, others when they are started.
   *
   * @param name - the subscription's name
   * @param from - the place, and in which mailboxes
   * @returns the mailboxes that go back to the place, each with how many of its changes are no longer kept; no
   * mailboxes when the subscription has not reached the place yet
   * @throws {CannotDoError} `subscription-unknown`
   * @throws {UsageError} when `from` names no place, or two
   * @throws {InvalidCursorError | CursorAheadError | FeedReplacedError | CursorPrunedError} when `after` is no place to
   * go back to; nothing has changed then
   * @throws {TidemarkError} when Temporal cannot be used; nothing has changed then. If Temporal fails only later in the
   * call, the mailboxes go back with their next sync
   */
  async replay(name: string, from: ReplayFrom): Promise<readonly ReplayedMailbox[]> {
    const { target } = await this.required(name);
    const place = startOf(from);
    await this.#requireServer();
    const replayed = await this.#store.replay({
      name,
      mailbox: from.mailbox === undefined ? null : mailboxId(from.mailbox),
      from: place,
    });
    for (const { mailbox } of replayed) await this.#wake(mailbox, target.kind);
    return replayed;
  }

  /**
   * Delivers parked changes and events once more, each by itself: the one with the given `deliveryId`, which `parked`
   * shows, or all of them. Positions stay where they are, so nothing else is delivered again. Each gets one attempt,
   * and is parked again if that attempt fails. The deliveries have new ids. Running mailboxes begin at once, others
   * when they are started.
   *
   * @param which - `id`: only what has this `deliveryId`; `mailbox`: only of this mailbox
   * @param name - the subscription's name
   * @returns how many are delivered again, by mailbox; none when nothing is parked
   * @throws {CannotDoError} `subscription-unknown`; `parked-unknown` when nothing is parked under the id
   * @throws {TidemarkError} when Temporal cannot be used; nothing has changed then. If Temporal fails only later in the
   * call, the mailboxes deliver with their next sync
   * @example
   *   const [parked] = await tidemark.client.deliveries.parked('crm');
   *   if (parked !== undefined) await tidemark.client.deliveries.replayParked('crm', { id: parked.deliveryId });
   */
  async replayParked(
    name: string,
    which: { readonly id?: string; readonly mailbox?: MailboxId } = {},
  ): Promise<readonly ReplayedParked[]> {
    const { id, mailbox } = knownOptions('replayParked', which, { id: true, mailbox: true });
    const { target } = await this.required(name);
    await this.#requireServer();
    const request = { name, mailbox: mailbox ?? null, id: id ?? null, now: this.#clock.now() };
    const replayed = await this.#store.replayParked(request);
    if (id !== undefined && replayed.length === 0)
      throw new CannotDoError('parked-unknown', `${name} has nothing parked under "${id.slice(0, 80)}".`, {
        remedy: { kind: 'see-parked', subscription: name },
      });
    for (const { mailbox: each, again } of replayed) if (again > 0) await this.#wake(each, target.kind);
    return replayed;
  }

  /**
   * Asks Temporal something before anything is written. If Temporal cannot be used, the call must fail before it makes
   * a key, which nobody would ever see.
   */
  async #requireServer(): Promise<void> {
    const [first] = await this.#store.listMailboxes();
    if (first !== undefined) await describedRun({ temporal: this.#temporal, rpc: this.#rpc, mailbox: first.id });
  }

  async #wake(mailbox: MailboxId, target: SubscriptionTarget['kind']): Promise<void> {
    await this.#rpc({ mailbox }, () => wakeMailbox(this.#temporal.workflow, mailbox, target));
  }
}

const REPLAY: Readonly<Record<'mailbox' | 'after' | 'since', true>> = { mailbox: true, after: true, since: true };

function startOf(from: ReplayFrom): DeliveryStart {
  knownOptions<Partial<Record<keyof typeof REPLAY, unknown>>>('replay', from, REPLAY);
  const [after, since] = ['after' in from && from.after !== undefined, 'since' in from && from.since !== undefined];
  if (after === since) throw new UsageError('replay takes one of after and since.');
  if (!('after' in from)) return { since: epochMs(from.since) };
  return typeof from.after === 'number' ? { after: from.after } : { cursor: from.after };
}
