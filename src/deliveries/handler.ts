import type { Change } from '../model/change.ts';
import type { MailboxId, MessageId } from '../model/ids.ts';
import {
  BATCH,
  checkedDefinition,
  EVERY_CHANGE,
  USUAL_ORDER,
  type Beginning,
  type ChangeFilter,
  type DeliveryOrder,
  type SubscriptionDefinition,
} from '../model/subscription.ts';
import type { Message } from '../reading/message.ts';
import type { QueryWithin } from '../store/subscriptions/subscription-store.ts';

/** What a handler gets beside the changes. */
export interface DeliveryContext {
  readonly mailbox: MailboxId;
  /** The same in every attempt of this delivery. */
  readonly deliveryId: string;
  /** From 1. */
  readonly attempt: number;
  /**
   * Aborts when the worker stops or the mailbox is paused. The delivery comes again then, unless the handler returns.
   */
  readonly signal: AbortSignal;
  /** Reads a message of the mailbox; null when it is not readable any more. */
  readonly message: (id: MessageId) => Promise<Message | null>;
}

/** What a handler with `transaction: true` gets. */
export interface TransactionContext extends DeliveryContext {
  /** Runs a statement in the transaction in which the position moves. */
  readonly query: QueryWithin;
}

/** Changes of one mailbox, in their order; at least one. */
export type DeliveredChanges = readonly [Change, ...Change[]];

interface HandlerOptions {
  /** Every change by default. */
  readonly filter?: Partial<ChangeFilter>;
  /** Where the subscription begins when it is new; `now` by default. */
  readonly beginning?: Beginning;
  /** The most changes in a delivery: 100 by default, 500 at most. */
  readonly batch?: number;
  /** A delivery that keeps failing is parked after three days by default. */
  readonly order?: DeliveryOrder;
}

/**
 * Code of an application that is called with changes. It is called at least once for each delivery; a delivery is over
 * when it returns, and comes again when it throws.
 */
export type Handler = HandlerOptions &
  (
    | {
        readonly transaction?: false;
        handle(changes: DeliveredChanges, context: DeliveryContext): Promise<void> | void;
      }
    | {
        /**
         * True gives `handle` the transaction in which the position moves, so that what it writes to the same
         * PostgreSQL database happens exactly once. It may be called again after a transaction that was rolled back.
         */
        readonly transaction: true;
        handle(changes: DeliveredChanges, context: TransactionContext): Promise<void> | void;
      }
  );

/** Handlers by the names of their subscriptions. */
export type Handlers = Readonly<Record<string, Handler>>;

/**
 * The subscription of a handler.
 *
 * @throws {InvalidSubscriptionError} when its name, batch or attempts are not allowed
 */
export function definitionOf(name: string, { filter, batch, order }: Handler): SubscriptionDefinition {
  return checkedDefinition({
    name,
    target: { kind: 'handler' },
    filter: { ...EVERY_CHANGE, ...filter },
    batch: batch ?? BATCH.usual,
    order: order ?? USUAL_ORDER,
  });
}
