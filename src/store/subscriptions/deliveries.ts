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
import { isAt, lockedPosition, SETTLED, updatePosition, type Position } from './positions.ts';
import { delivers, findSubscription } from './subscription-rows.ts';
import type {
  AttemptableDelivery,
  DeliveredContent,
  DeliveryNamed,
  DeliveryPlace,
  DeliveryStep,
  DeliveryStore,
  FailedDelivery,
  QueryWithin,
} from './subscription-store.ts';

/** Ms before an attempt is made after two that began and never ended: their workers may have died of it. */
const AFTER_LOST_ATTEMPTS = 30_000;

/** See {@link DeliveryStore.beginDelivery}. */
export function beginDelivery(
  database: StoreDatabase,
  { mailbox, subscription: name, now, next }: RequestOf<DeliveryStore, 'beginDelivery'>,
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
      const fixed = await fixedContent({ database, tx }, { mailbox, key }, position);
      if (fixed !== null)
        return { kind: 'begun', delivery: await attempt(tx, position, { id: position.delivery_id, ...fixed }, now) };
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
    return { kind: 'begun', delivery: await attempt(tx, begun, { id, ...content }, now) };
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

/** Counts the attempt before it is made, so that one that ends its worker counts as well. */
async function attempt(
  tx: Transaction<Schema>,
  position: Position,
  fixed: DeliveredContent & { readonly id: string },
  now: number,
): Promise<Extract<DeliveryStep, { kind: 'begun' }>['delivery']> {
  const number = position.attempts + 1;
  const firstAttemptAt = position.first_attempt_at ?? now;
  await updatePosition(tx, position, {
    sequence: position.sequence,
    event: position.event,
    delivery_id: fixed.id,
    sequences: fixed.event === null ? JSON.stringify(fixed.changes.map(({ sequence }) => sequence)) : null,
    delivery_event: fixed.event?.number ?? null,
    attempts: number,
    first_attempt_at: firstAttemptAt,
    next_attempt_at: number < 3 ? null : now + AFTER_LOST_ATTEMPTS,
  });
  const isSplit = position.sequence < position.single_until;
  return { ...fixed, attempt: number, firstAttemptAt, isSplit };
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
    if (position === null || position.attempts !== number) return;
    if (next.kind === 'retry') {
      await updatePosition(tx, position, {
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
  { mailbox, subscription, id }: DeliveryNamed,
): Promise<Position | null> {
  const position = await lockedPosition(database, tx, await keyOf(tx, mailbox), subscription);
  return position?.delivery_id === id ? position : null;
}
