import { CompiledQuery, type Transaction } from 'kysely';
import { createHash } from 'node:crypto';
import type { Change } from '../../model/change.ts';
import type { MailboxId } from '../../model/ids.ts';
import { boundedText } from '../../model/bounded-text.ts';
import type { Remedy } from '../../model/remedy.ts';
import type { Subscription } from '../../model/subscription.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { keyOf } from '../rows/mailbox-rows.ts';
import { eventsAfter } from '../rows/event-rows.ts';
import { changesAt, type SearchedMailbox } from './next-batch.ts';
import { newestOf } from './newest-change.ts';
import { isAt, lockedPosition, SETTLED, unendedOf, updatePosition, withOneEnded, type Position } from './positions.ts';
import { delivers, findSubscription } from './subscription-rows.ts';
import type {
  AttemptableDelivery,
  BegunDelivery,
  DeliveredContent,
  DeliveryNamed,
  DeliveryPlace,
  DeliveryStep,
  DeliveryStore,
  FailedDelivery,
  FixedDelivery,
  QueryWithin,
} from './subscription-store.ts';

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
    if ((position.next_attempt_at ?? 0) > now) return { kind: 'waits', until: position.next_attempt_at ?? now };
    if (position.sequence < pruned) {
      const lost = pruned - position.sequence;
      await updatePosition(tx, position, { ...SETTLED, sequence: pruned, not_kept: position.not_kept + lost });
      return { kind: 'passed' };
    }
    if (position.delivery_id !== null) {
      if (next.kind === 'fixed' && !isAttempt(position, next.delivery)) return { kind: 'passed' };
      const fixed = await fixedContent({ database, tx }, { mailbox, key }, position);
      if (fixed !== null)
        return {
          kind: 'begun',
          delivery: await attempt(tx, position, { id: position.delivery_id, ...fixed, pause, now }),
        };
      await updatePosition(tx, position, SETTLED);
      return { kind: 'passed' };
    }
    // Another attempt, or a replay, came between the search and the lock.
    if (next.kind === 'fixed' || !isAt(next.after, position)) return { kind: 'passed' };
    const content = contentOf(next, position);
    if (content === null) {
      await updatePosition(tx, position, next.passed);
      return { kind: 'passed' };
    }
    const id = deliveryId({ subscription, mailbox, position }, content);
    // What lies before the content was not asked for.
    const before = content.event === null ? { event: next.passed.event } : next.passed;
    const begun = { ...position, ...SETTLED, ...before };
    return { kind: 'begun', delivery: await attempt(tx, begun, { id, ...content, pause: null, now }) };
  });
}

/** What a delivery that is found now holds; null when nothing was asked for. */
function contentOf(
  { changes: found, event }: Extract<AttemptableDelivery, { kind: 'found' }>,
  position: Position,
): DeliveredContent | null {
  const isSplit = position.sequence < position.single_until;
  const changes = isSplit ? found.slice(0, 1) : found;
  if (isSome(changes)) return { event: null, changes };
  return event === null ? null : { event, changes: [] };
}

/** What the delivery under way holds; null when that was pruned. */
async function fixedContent(
  { database, tx }: { readonly database: StoreDatabase; readonly tx: Transaction<Schema> },
  searched: SearchedMailbox,
  { sequences, delivery_event: number }: Position,
): Promise<DeliveredContent | null> {
  if (sequences !== null) {
    const changes = await changesAt(tx, database.dialect, searched, JSON.parse(sequences) as number[]);
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
 * Counts the attempt before it is made, so that one that ends its worker counts as well. The count is committed here,
 * before the transaction of a handler that has one: that moves the position and resets the count together, so a rolled
 * back attempt stays counted, and a committed one cannot come again, whatever is counted.
 */
async function attempt(
  tx: Transaction<Schema>,
  position: Position,
  { id, pause, now, ...content }: AttemptToBegin,
): Promise<BegunDelivery> {
  const number = position.attempts + 1;
  const firstAttemptAt = position.first_attempt_at ?? now;
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
  return { ...content, id, attempt: number, firstAttemptAt, isSplit };
}

/** The same changes, or the same event, have the same id until somebody replays them. */
function deliveryId(
  {
    subscription,
    mailbox,
    position,
  }: { readonly subscription: Subscription; readonly mailbox: MailboxId; readonly position: Position },
  { event, changes }: DeliveredContent,
): string {
  const content = event === null ? changes.map(({ sequence }) => sequence) : ['event', event.number];
  const parts = [subscription.name, subscription.createdAt, mailbox, position.replays, ...content];
  return `dlv_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
}

/** See {@link DeliveryStore.narrowDelivery}. */
export function narrowDelivery(
  database: StoreDatabase,
  { size, ...request }: RequestOf<DeliveryStore, 'narrowDelivery'>,
): Promise<BegunDelivery | null> {
  return database.write(async (tx) => {
    const { mailbox, subscription: name, now } = request;
    const position = await namedPosition(database, tx, request);
    const subscription = await findSubscription(tx, name);
    if (position === null || position.attempts !== 1 || subscription === null) return null;
    const content = await fixedContent({ database, tx }, { mailbox, key: position.mailbox_key }, position);
    if (content === null || content.event !== null) return null;
    const [first, ...others] = content.changes;
    const narrowed: DeliveredContent = { event: null, changes: [first, ...others.slice(0, size - 1)] };
    const id = deliveryId({ subscription, mailbox, position }, narrowed);
    const begun = { ...position, delivery_id: null, attempts: 0 };
    return attempt(tx, begun, { id, ...narrowed, pause: null, now });
  });
}

/** See {@link DeliveryStore.releaseDelivery}. */
export async function releaseDelivery(
  database: StoreDatabase,
  request: RequestOf<DeliveryStore, 'releaseDelivery'>,
): Promise<void> {
  await database.write(async (tx) => {
    const position = await namedPosition(database, tx, request);
    if (position === null) return;
    const pause = position.attempts === request.attempt ? { next_attempt_at: null } : {};
    await updatePosition(tx, position, { ...withOneEnded(position), ...pause });
  });
}

/** See {@link DeliveryStore.acceptDelivery}. */
export function acceptDelivery(database: StoreDatabase, request: DeliveryNamed): Promise<boolean> {
  return acceptWithin(database, request, async () => undefined);
}

/** See {@link DeliveryStore.acceptWithin}. */
export function acceptWithin(
  database: StoreDatabase,
  request: DeliveryNamed,
  work: (query: QueryWithin) => Promise<void>,
): Promise<boolean> {
  return database.write(async (tx) => {
    const position = await namedPosition(database, tx, request);
    if (position === null) return false;
    await work(async (text, values = []) => {
      const { rows } = await tx.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, [...values]));
      return rows;
    });
    const { count, last } = underWay(position);
    await updatePosition(tx, position, {
      ...SETTLED,
      ...last,
      delivered: position.delivered + count,
      accepted_at: request.now,
    });
    return true;
  });
}

/**
 * How much the delivery under way holds, and where the position is once it is over. A program of the version before
 * leaves `delivery_event` behind, but then there are sequences.
 */
function underWay({ sequence, event, sequences, delivery_event: number }: Position): {
  readonly count: number;
  readonly event: number | null;
  readonly last: DeliveryPlace;
} {
  if (sequences === null && number !== null) return { count: 1, event: number, last: { sequence, event: number } };
  const held = JSON.parse(sequences ?? '[]') as number[];
  return { count: held.length, event: null, last: { sequence: held.at(-1) ?? sequence, event } };
}

/** See {@link DeliveryStore.failDelivery}. */
export async function failDelivery(database: StoreDatabase, request: FailedDelivery): Promise<void> {
  const { attempt: number, next, now, subscription, id, remedy = null } = request;
  const error = boundedText(request.error);
  await database.write(async (tx) => {
    const position = await namedPosition(database, tx, request);
    if (position === null) return;
    if (position.attempts !== number) {
      await updatePosition(tx, position, withOneEnded(position));
      return;
    }
    if (next.kind === 'retry') {
      await updatePosition(tx, position, {
        ...withOneEnded(position),
        next_attempt_at: next.at,
        last_error: error,
        last_remedy: remedyText(remedy),
      });
      return;
    }
    const { count, event, last } = underWay(position);
    if (count > 1) {
      await updatePosition(tx, position, { ...SETTLED, single_until: last.sequence });
      return;
    }
    const parked = { delivery_id: id, attempts: number, error, parked_at: now };
    const names = { mailbox_key: position.mailbox_key, subscription };
    if (event === null)
      await tx
        .insertInto('parked_deliveries')
        .values({ ...names, sequence: last.sequence, ...parked })
        .onConflict((conflict) => conflict.columns(['mailbox_key', 'subscription', 'sequence']).doUpdateSet(parked))
        .execute();
    else
      await tx
        .insertInto('parked_events')
        .values({ ...names, event, ...parked })
        .onConflict((conflict) => conflict.columns(['mailbox_key', 'subscription', 'event']).doUpdateSet(parked))
        .execute();
    await updatePosition(tx, position, { ...SETTLED, ...last });
  });
}

/** See {@link DeliveryStore.postponeDelivery}. */
export async function postponeDelivery(
  database: StoreDatabase,
  { mailbox, subscription, until, reason, remedy = null }: RequestOf<DeliveryStore, 'postponeDelivery'>,
): Promise<void> {
  await database.write(async (tx) => {
    const position = await lockedPosition(database, tx, await keyOf(tx, mailbox), subscription);
    if (position === null) return;
    await updatePosition(tx, position, {
      next_attempt_at: until,
      last_error: boundedText(reason),
      last_remedy: remedyText(remedy),
    });
  });
}

const remedyText = (remedy: Remedy | null): string | null => (remedy === null ? null : JSON.stringify(remedy));

/** The locked position, if it names the delivery. */
async function namedPosition(
  database: StoreDatabase,
  tx: Transaction<Schema>,
  { mailbox, subscription, id }: Omit<DeliveryNamed, 'now'>,
): Promise<Position | null> {
  const position = await lockedPosition(database, tx, await keyOf(tx, mailbox), subscription);
  return position?.delivery_id === id ? position : null;
}
