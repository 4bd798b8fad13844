import type { Transaction } from 'kysely';
import { createHash } from 'node:crypto';
import type { Change } from '../../model/change.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { Subscription } from '../../model/subscription.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { keyOf } from '../rows/mailbox-rows.ts';
import { eventsAfter } from '../rows/event-rows.ts';
import { changesAt, type SearchedMailbox } from './next-batch.ts';
import { newestOf } from './newest-change.ts';
import { markReplayBegun, parkAgain, replaysOf } from './parked-replays.ts';
import {
  beganAt,
  BETWEEN_DELIVERIES,
  isAt,
  lockedPosition,
  unendedOf,
  updatePosition,
  waitsUntil,
  type Position,
} from './positions.ts';
import { delivers, findSubscription } from './subscription-rows.ts';
import type {
  AttemptableDelivery,
  BegunDelivery,
  DeliveredContent,
  DeliveryStep,
  DeliveryStore,
  FixedDelivery,
  ParkedItem,
} from './delivery-store.ts';

/** See {@link DeliveryStore.beginDelivery}. */
export function beginDelivery(
  database: StoreDatabase,
  { mailbox, subscription: name, now, next, pause = null }: RequestOf<DeliveryStore, 'beginDelivery'>,
): Promise<DeliveryStep> {
  return database.write(async (tx): Promise<DeliveryStep> => {
    const newest = await newestOf(tx, mailbox);
    const subscription = await findSubscription(tx, name);
    if (newest === null || subscription === null || !delivers(subscription, mailbox)) return { kind: 'idle' };
    const { key, pruned } = newest;
    const position = await lockedPosition(database, tx, key, name);
    if (position === null) return { kind: 'idle' };
    const until = waitsUntil(position, now);
    if (until !== null) return { kind: 'waits', until };
    if (next.kind === 'parked')
      return beginReplay({ database, tx }, { searched: { mailbox, key }, subscription, position }, next.item, now);
    if (position.sequence < pruned) {
      const lost = pruned - position.sequence;
      await updatePosition(tx, position, {
        ...BETWEEN_DELIVERIES,
        sequence: pruned,
        not_kept: position.not_kept + lost,
      });
      return { kind: 'passed' };
    }
    if (position.delivery_id !== null) {
      if (next.kind === 'fixed' && !isAttempt(position, next.delivery)) return { kind: 'passed' };
      const fixed = await fixedContent({ database, tx }, { mailbox, key }, contentAt(position));
      if (fixed !== null)
        return {
          kind: 'begun',
          delivery: await attempt(tx, position, { id: position.delivery_id, ...fixed, pause, now }),
        };
      await updatePosition(tx, position, BETWEEN_DELIVERIES);
      return { kind: 'passed' };
    }
    // Another attempt, or a replay, moved the position between the search and the lock.
    if (next.kind === 'fixed' || !isAt(next.after, position)) return { kind: 'passed' };
    const content = contentOf(next, position);
    if (content === null) {
      await updatePosition(tx, position, next.passed);
      return { kind: 'passed' };
    }
    const id = deliveryId({ subscription, mailbox, position }, content);
    // Everything between the position and the content was not asked for.
    const before = content.event === null ? { event: next.passed.event } : next.passed;
    const begun = { ...position, ...BETWEEN_DELIVERIES, ...before };
    return { kind: 'begun', delivery: await attempt(tx, begun, { id, ...content, pause: null, now }) };
  });
}

/** What a newly found delivery holds; null when nothing was asked for. */
function contentOf(
  { changes: found, event }: Extract<AttemptableDelivery, { kind: 'found' }>,
  position: Position,
): DeliveredContent | null {
  const isSplit = position.sequence < position.single_until;
  const changes = isSplit ? found.slice(0, 1) : found;
  if (isSome(changes)) return { event: null, changes };
  return event === null ? null : { event, changes: [] };
}

interface InTransaction {
  readonly database: StoreDatabase;
  readonly tx: Transaction<Schema>;
}

/** Which changes the delivery under way holds, or which event. */
const contentAt = ({ sequences, delivery_event: event }: Position) => ({
  sequences: sequences === null ? null : (JSON.parse(sequences) as number[]),
  event,
});

/** Content whose places are known; null when it was pruned. */
async function fixedContent(
  { database, tx }: InTransaction,
  searched: SearchedMailbox,
  { sequences, event: number }: { readonly sequences: readonly number[] | null; readonly event: number | null },
): Promise<DeliveredContent | null> {
  if (sequences !== null) {
    const changes = await changesAt(tx, database.dialect, searched, sequences);
    return isSome(changes) ? { event: null, changes } : null;
  }
  if (number === null) return null;
  const [event] = await eventsAfter(tx, searched, number - 1, 1);
  return event?.number === number ? { event, changes: [] } : null;
}

const isSome = (changes: readonly Change[]): changes is readonly [Change, ...Change[]] => changes.length > 0;

/** Whether nothing was attempted since a delivery was found to be under way. */
const isAttempt = (position: Position, { id, attempts }: Pick<FixedDelivery, 'id' | 'attempts'>): boolean =>
  position.delivery_id === id && position.attempts === attempts;

type AttemptToBegin = DeliveredContent &
  Pick<RequestOf<DeliveryStore, 'beginDelivery'>, 'now'> & {
    readonly id: string;
    readonly pause: { readonly until: number; readonly reason: string } | null;
  };

/**
 * Counts the attempt before it is made, so that an attempt that ends its worker counts as well. The count is committed
 * before the transaction in which a handler may work. That transaction moves the position and resets the count
 * together: an attempt that is rolled back stays counted, and one that is committed cannot come again.
 */
async function attempt(
  tx: Transaction<Schema>,
  position: Position,
  { id, pause, now, ...content }: AttemptToBegin,
): Promise<BegunDelivery> {
  const number = position.attempts + 1;
  const firstAttemptAt = beganAt(position, now);
  const { event, changes } = content;
  await updatePosition(tx, position, {
    sequence: position.sequence,
    event: position.event,
    delivery_id: id,
    sequences: event === null ? JSON.stringify(changes.map(({ sequence }) => sequence)) : null,
    delivery_event: event?.number ?? null,
    attempts: number,
    unended: unendedOf(position) + 1,
    unended_delivery: id,
    first_attempt_at: firstAttemptAt,
    next_attempt_at: pause?.until ?? null,
    ...(pause === null ? {} : { last_error: pause.reason, last_remedy: null }),
  });
  const isSplit = position.sequence < position.single_until;
  return { ...content, id, attempt: number, firstAttemptAt, isSplit, isReplay: false };
}

/**
 * Begins the replay of a parked change or event, which has only one attempt. The position does not move: the parked row
 * records which attempt has begun.
 */
async function beginReplay(
  { database, tx }: InTransaction,
  {
    searched,
    subscription,
    position,
  }: { readonly searched: SearchedMailbox; readonly subscription: Subscription; readonly position: Position },
  item: ParkedItem,
  now: number,
): Promise<DeliveryStep> {
  const row = { position, item };
  const replays = await replaysOf(tx, row);
  if (replays === null) return { kind: 'passed' };
  const at = { sequences: 'sequence' in item ? [item.sequence] : null, event: 'event' in item ? item.event : null };
  const content = await fixedContent({ database, tx }, searched, at);
  if (content === null) {
    await parkAgain(tx, row, { error: 'It was pruned, and so it cannot be delivered again', now });
    return { kind: 'passed' };
  }
  const id = deliveryId({ subscription, mailbox: searched.mailbox, position }, content, ['parked', replays]);
  await markReplayBegun(tx, row, id);
  const delivery = { ...content, id, attempt: 1, firstAttemptAt: now, isSplit: false, isReplay: true };
  return { kind: 'begun', delivery };
}

/** The same changes, or the same event, have the same id until somebody replays them. */
function deliveryId(
  {
    subscription,
    mailbox,
    position,
  }: { readonly subscription: Subscription; readonly mailbox: MailboxId; readonly position: Position },
  { event, changes }: DeliveredContent,
  replay: readonly (string | number)[] = [],
): string {
  const content = event === null ? changes.map(({ sequence }) => sequence) : ['event', event.number];
  const parts = [subscription.name, subscription.createdAt, mailbox, position.replays, ...replay, ...content];
  return `dlv_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
}

/** See {@link DeliveryStore.narrowDelivery}. */
export function narrowDelivery(
  database: StoreDatabase,
  { size, ...request }: RequestOf<DeliveryStore, 'narrowDelivery'>,
): Promise<BegunDelivery | null> {
  return database.write(async (tx) => {
    const { mailbox, subscription: name, now } = request;
    const position = await lockedPosition(database, tx, await keyOf(tx, mailbox), name);
    const subscription = await findSubscription(tx, name);
    if (position?.delivery_id !== request.id || position.attempts !== 1 || subscription === null) return null;
    const content = await fixedContent({ database, tx }, { mailbox, key: position.mailbox_key }, contentAt(position));
    if (content === null || content.event !== null) return null;
    const [first, ...others] = content.changes;
    const narrowed: DeliveredContent = { event: null, changes: [first, ...others.slice(0, size - 1)] };
    const id = deliveryId({ subscription, mailbox, position }, narrowed);
    const begun = { ...position, delivery_id: null, attempts: 0 };
    return attempt(tx, begun, { id, ...narrowed, pause: null, now });
  });
}
