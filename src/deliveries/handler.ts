import type { Change } from '../model/change.ts';
import type { MailboxId } from '../model/ids.ts';
import { knownOptions, type OptionNames } from '../model/options.ts';
import {
  BATCH,
  checkedDefinition,
  filterOf,
  InvalidSubscriptionError,
  USUAL_ORDER,
  type Beginning,
  type FilterOptions,
  type DeliveryOrder,
  type SubscriptionDefinition,
} from '../model/subscription.ts';
import { checkSubscriptionOptions } from '../model/subscription-options.ts';
import type { SubscribedEvent } from '../model/subscribed-event.ts';
import type { Message } from '../reading/message.ts';
import type { QueryWithin } from '../store/subscriptions/delivery-store.ts';

export type { QueryWithin };

/** What a handler gets besides the changes. */
export interface DeliveryContext {
  /** The mailbox of the changes. */
  readonly mailbox: MailboxId;
  /** The same in every attempt of this delivery. */
  readonly deliveryId: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
  /**
   * Aborts when the worker stops or the mailbox is paused. The delivery comes again then, unless the handler returns.
   */
  readonly signal: AbortSignal;
  /**
   * Reads a message of the mailbox.
   *
   * @param id - Gmail's id of it, such as a change's `messageId`
   * @returns null when it is not readable any more
   */
  readonly message: (id: string) => Promise<Message | null>;
}

/** What a handler with `transaction: true` gets. */
export interface TransactionContext extends DeliveryContext {
  /** Runs a statement in the transaction in which the position moves. */
  readonly query: QueryWithin;
}

/** Changes of one mailbox, in their order; at least one. */
export type DeliveredChanges = readonly [Change, ...Change[]];

/** What a handler asks for. */
export interface HandlerOptions {
  /** Every change, and no events, by default. */
  readonly filter?: FilterOptions;
  /** Where the subscription begins when it is new; `now` by default. Later starts of the worker ignore it. */
  readonly beginning?: Beginning;
  /** The most changes in a delivery: 100 by default, 500 at most. */
  readonly batch?: number;
  /** A delivery that keeps failing is parked after three days by default. */
  readonly order?: DeliveryOrder;
}

/** The functions that get changes, and, one by one, the events that `filter.events` names. */
export interface HandlingOf<Context extends DeliveryContext> {
  /**
   * Without it the handler gets no changes.
   *
   * @param changes - at least one, oldest first
   * @param context - the delivery, and what reads its messages
   * @returns when the handler has dealt with them. An error that it throws makes the delivery come again
   */
  handle?(changes: DeliveredChanges, context: Context): Promise<void> | void;
  /**
   * Needed where `filter` names events. Each is a delivery of its own, in its place among the changes.
   *
   * @param event - what happened to the mailbox
   * @param context - the delivery
   * @returns when the handler has dealt with it. An error that it throws makes the delivery come again
   */
  handleEvent?(event: SubscribedEvent, context: Context): Promise<void> | void;
}

/**
 * Code of an application that is called with changes. The code is called at least once for each delivery. A delivery is
 * over when the code returns, and comes again when it throws.
 */
export type Handler = HandlerOptions &
  (
    | ({ readonly transaction?: false } & HandlingOf<DeliveryContext>)
    | ({
        /**
         * True gives the handler the transaction in which the position moves. What the handler writes in it to the same
         * PostgreSQL database is written exactly once. The handler may be called again after a transaction that was
         * rolled back.
         */
        readonly transaction: true;
      } & HandlingOf<TransactionContext>)
  );

/** Handlers by the names of their subscriptions. */
export type Handlers = Readonly<Record<string, Handler>>;

const HANDLER: OptionNames<HandlerOptions & HandlingOf<DeliveryContext> & { readonly transaction?: boolean }> = {
  filter: true,
  beginning: true,
  batch: true,
  order: true,
  transaction: true,
  handle: true,
  handleEvent: true,
};

/** Refuses what a product in plain JavaScript may have written against the types. */
function checkHandler(name: string, handler: Handler): void {
  const refusal = (message: string): Error => new InvalidSubscriptionError(message);
  if (typeof handler === 'function') throw refusal(`The handler ${name} is a function: write { handle: … }.`);
  knownOptions<Partial<Record<keyof typeof HANDLER, unknown>>>(`The handler ${name}`, handler, HANDLER, refusal);
  checkSubscriptionOptions(name, handler);
}

/**
 * The subscription of a handler.
 *
 * @throws {InvalidSubscriptionError} when its name, batch or attempts are not allowed, or it lacks the function for
 * what it asks for
 */
export function definitionOf(name: string, handler: Handler): SubscriptionDefinition {
  checkHandler(name, handler);
  const { filter, batch, order } = handler;
  const takesChanges = handler.handle !== undefined;
  const takesEvents = handler.handleEvent !== undefined;
  const kinds = takesChanges ? {} : { kinds: [] };
  const definition = checkedDefinition({
    name,
    target: { kind: 'handler' },
    filter: { ...filterOf(filter ?? {}), ...kinds },
    batch: batch ?? BATCH.usual,
    order: order ?? USUAL_ORDER,
  });
  const asksForEvents = definition.filter.events.length > 0;
  if (!takesChanges && !asksForEvents)
    throw new InvalidSubscriptionError(`The handler ${name} needs a function "handle", which gets the changes.`);
  if (asksForEvents !== takesEvents)
    throw new InvalidSubscriptionError(
      `The handler ${name} has ${asksForEvents ? '"filter.events"' : '"handleEvent"'} ` +
        `and no ${asksForEvents ? '"handleEvent"' : '"filter.events"'}: ` +
        '"filter.events" names the events that "handleEvent" gets.',
    );
  return definition;
}
