import type { StoreDatabase } from './engines/store-database.ts';
import { countDeliveries, listParked, readPositions } from './subscriptions/delivery-overview.ts';
import { beginDelivery, narrowDelivery } from './subscriptions/deliveries.ts';
import {
  acceptDelivery,
  acceptWithin,
  failDelivery,
  postponeDelivery,
  releaseDelivery,
} from './subscriptions/ended-deliveries.ts';
import { newestChange } from './subscriptions/newest-change.ts';
import { findDeliveries, nextDelivery } from './subscriptions/next-deliveries.ts';
import { noteEvents, pruneEvents, type EventStore } from './subscriptions/event-store.ts';
import { replayParked } from './subscriptions/parked-replays.ts';
import { checkBeginning } from './subscriptions/places.ts';
import { replay } from './subscriptions/replay.ts';
import {
  endSubscription,
  listSubscriptions,
  putSubscription,
  removeSubscription,
} from './subscriptions/subscription-rows.ts';
import type { DeliveryStore } from './subscriptions/delivery-store.ts';
import type { SubscriptionStore } from './subscriptions/subscription-store.ts';

/**
 * What the store does for subscriptions: their definitions and positions, deliveries, and the events that are
 * delivered.
 */
export type SqlSubscriptionStore = SubscriptionStore & DeliveryStore & EventStore;

/** Subscriptions on any SQL database: each method is a function of the database and the request. */
export function createSqlSubscriptionStore(database: StoreDatabase): SqlSubscriptionStore {
  return { ...subscriptionsOf(database), ...deliveriesOf(database), ...eventsOf(database) };
}

function subscriptionsOf(database: StoreDatabase): SubscriptionStore {
  return {
    putSubscription: (request) => putSubscription(database, request),
    listSubscriptions: () => listSubscriptions(database),
    removeSubscription: (name) => removeSubscription(database, name),
    endSubscription: (request) => endSubscription(database, request),
    readPositions: (name) => readPositions(database, name),
    countDeliveries: () => countDeliveries(database),
    listParked: (request) => listParked(database, request),
    checkBeginning: (request) => checkBeginning(database, request),
    replay: (request) => replay(database, request),
    replayParked: (request) => replayParked(database, request),
  };
}

function deliveriesOf(database: StoreDatabase): DeliveryStore {
  return {
    findDeliveries: (request) => findDeliveries(database, request),
    newestChange: (mailbox) => newestChange(database, mailbox),
    nextDelivery: (request) => nextDelivery(database, request),
    beginDelivery: (request) => beginDelivery(database, request),
    acceptDelivery: (request) => acceptDelivery(database, request),
    acceptWithin: (request, work) => acceptWithin(database, request, work),
    failDelivery: (request) => failDelivery(database, request),
    narrowDelivery: (request) => narrowDelivery(database, request),
    releaseDelivery: (request) => releaseDelivery(database, request),
    postponeDelivery: (request) => postponeDelivery(database, request),
  };
}

function eventsOf(database: StoreDatabase): EventStore {
  return {
    noteEvents: (request) => noteEvents(database, request),
    pruneEvents: (request) => pruneEvents(database, request),
  };
}
