import { InvalidSubscriptionError } from '../model/subscription.ts';
import { StoreError } from '../store/engines/store-error.ts';
import type { BegunDelivery, DeliveredContent } from '../store/subscriptions/delivery-store.ts';
import type { Delivering, DeliveryTarget, TakenDelivery, TargetMeans, TargetOf } from './delivery-target.ts';
import { failureOf } from './failed-attempt.ts';
import type { DeliveryContext, Handler, Handlers, HandlingOf } from './handler.ts';

/** The handlers of a worker as targets. */
export function handlerTargets(means: TargetMeans, handlers: Handlers): TargetOf {
  return (delivering) => {
    const { name } = delivering.subscription;
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    return handler === undefined ? null : handlerTarget(means, delivering, handler);
  };
}

function handlerTarget(means: TargetMeans, delivering: Delivering, handler: Handler): DeliveryTarget {
  return { take: (delivery) => called(means, { ...delivering, handler }, delivery) };
}

/** Calls the handler, and moves the position. */
async function called(
  { store, clock, reader }: TargetMeans,
  { mailbox, subscription, signal, handler }: Delivering & { readonly handler: Handler },
  { id, attempt, ...delivered }: BegunDelivery,
): Promise<TakenDelivery> {
  const read = reader.mailbox(mailbox);
  const context: DeliveryContext = { mailbox, deliveryId: id, attempt, signal, message: (id) => read.message(id) };
  const named = { mailbox, subscription: subscription.name, id };
  const thrown: unknown[] = [];
  let hasReturned = false;
  // What a handler throws is its own failure, and never that of the store.
  const calling = async (handle: () => Promise<void> | void): Promise<void> => {
    hasReturned = false;
    try {
      await handle();
      hasReturned = true;
    } catch (error) {
      thrown.push(error);
      throw error;
    }
  };
  try {
    if (handler.transaction === true) {
      await store.acceptWithin({ ...named, now: clock.now() }, (query) =>
        calling(() => callHandler(handler, delivered, { ...context, query })),
      );
    } else {
      await calling(() => callHandler(handler, delivered, context));
      await store.acceptDelivery({ ...named, now: clock.now() });
    }
    return { kind: 'accepted' };
  } catch (error) {
    if (thrown.length > 0) return { kind: 'failed', ...failureOf(thrown.at(-1)) };
    if (handler.transaction === true && hasReturned) return notCommitted(error);
    throw error;
  }
}

/**
 * The handler threw nothing, but what it wrote was not committed: a constraint failed that is checked at the end, or a
 * statement had failed and the handler went on. That is the handler's failure, too. A lost connection may be the fault
 * of the handler or of the store.
 */
function notCommitted(error: unknown): TakenDelivery {
  if (!(error instanceof StoreError)) return { kind: 'failed', ...failureOf(error) };
  // A broken foreign key, which the store takes for one of its own.
  if (error.failure.kind === 'lost') return { kind: 'failed', ...failureOf(error.cause) };
  return { kind: 'lost', error };
}

/**
 * Calls the handler's function for changes, or for an event. The function is missing only when another program has
 * changed the filter.
 */
function callHandler<Context extends DeliveryContext>(
  handler: HandlingOf<Context>,
  delivered: DeliveredContent,
  context: Context,
): Promise<void> | void {
  if (delivered.event === null) {
    if (handler.handle !== undefined) return handler.handle(delivered.changes, context);
    throw new InvalidSubscriptionError('The handler has no function "handle", and the subscription asks for changes.');
  }
  if (handler.handleEvent !== undefined) return handler.handleEvent(delivered.event, context);
  throw new InvalidSubscriptionError(
    'The handler has no function "handleEvent", and the subscription asks for events.',
  );
}
