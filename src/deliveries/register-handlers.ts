import type { Clock } from '../model/clock.ts';
import { InvalidSubscriptionError } from '../model/subscription.ts';
import type { SubscriptionStore } from '../store/subscriptions/subscription-store.ts';
import { definitionOf, type Handlers } from './handler.ts';

/**
 * Makes the subscriptions of handlers, or changes them to what the handlers say now.
 *
 * @throws {InvalidSubscriptionError} when a handler is described wrongly, or wants a transaction of a database that is
 * not PostgreSQL
 * @throws {InvalidCursorError | CursorAheadError | FeedReplacedError | CursorPrunedError} when a subscription is new,
 * and the cursor of its beginning is no place to go on from
 * @throws {StoreError} when the store cannot be used
 */
export async function registerHandlers({
  store,
  clock,
  handlers,
  isPostgres,
}: {
  readonly store: Pick<SubscriptionStore, 'putSubscription'>;
  readonly clock: Clock;
  readonly handlers: Handlers;
  readonly isPostgres: boolean;
}): Promise<void> {
  const subscriptions = Object.entries(handlers).map(([name, handler]) => {
    if (handler.transaction === true && !isPostgres)
      throw new InvalidSubscriptionError(
        `The handler ${name} asks for the transaction of its position, which only a store in PostgreSQL has: ` +
          'set DATABASE_URL to a PostgreSQL database, or leave "transaction" out.',
      );
    return { definition: definitionOf(name, handler), beginning: handler.beginning ?? ({ kind: 'now' } as const) };
  });
  for (const subscription of subscriptions) await store.putSubscription({ ...subscription, now: clock.now() });
}
