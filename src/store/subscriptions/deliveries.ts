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
import { changesAt } from './next-batch.ts';
import { newestOf } from './newest-change.ts';
import { lockedPosition, SETTLED, updatePosition, type Position } from './positions.ts';
import { delivers, findSubscription } from './subscription-rows.ts';
import type { DeliveryNamed, DeliveryStep, DeliveryStore, FailedDelivery, QueryWithin } from './subscription-store.ts';

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
      const sequences = JSON.parse(position.sequences ?? '[]') as number[];
      const changes = await changesAt(tx, database.dialect, { mailbox, key }, sequences);
      if (isSome(changes))
        return { kind: 'begun', delivery: await attempt(tx, position, { id: position.delivery_id, changes, now }) };
      await updatePosition(tx, position, SETTLED);
      return { kind: 'passed' };
    }
    // Another attempt, or a replay, came between the search and the lock.
    if (next.kind === 'fixed' || next.after !== position.sequence) return { kind: 'passed' };
    const isSplit = position.sequence < position.single_until;
    const changes = isSplit ? next.changes.slice(0, 1) : next.changes;
    if (!isSome(changes)) {
      await updatePosition(tx, position, { sequence: next.passed });
      return { kind: 'passed' };
    }
    const id = deliveryId({ subscription, mailbox, position, changes });
    return { kind: 'begun', delivery: await attempt(tx, { ...position, ...SETTLED }, { id, changes, now }) };
  });
}

const isSome = (changes: readonly Change[]): changes is readonly [Change, ...Change[]] => changes.length > 0;

/** Counts the attempt before it is made, so that one that ends its worker counts as well. */
async function attempt(
  tx: Transaction<Schema>,
  position: Position,
  { id, changes, now }: { id: string; changes: readonly [Change, ...Change[]]; now: number },
): Promise<Extract<DeliveryStep, { kind: 'begun' }>['delivery']> {
  const number = position.attempts + 1;
  const firstAttemptAt = position.first_attempt_at ?? now;
  await updatePosition(tx, position, {
    delivery_id: id,
    sequences: JSON.stringify(changes.map(({ sequence }) => sequence)),
    attempts: number,
    first_attempt_at: firstAttemptAt,
    next_attempt_at: number < 3 ? null : now + AFTER_LOST_ATTEMPTS,
  });
  const isSplit = position.sequence < position.single_until;
  return { id, changes, attempt: number, firstAttemptAt, isSplit };
}

/** The same changes have the same id, until somebody replays them. */
function deliveryId({
  subscription,
  mailbox,
  position,
  changes,
}: {
  readonly subscription: Subscription;
  readonly mailbox: MailboxId;
  readonly position: Position;
  readonly changes: readonly Change[];
}): string {
  const parts = [
    subscription.name,
    subscription.createdAt,
    mailbox,
    position.replays,
    ...changes.map(({ sequence }) => sequence),
  ];
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
    const sequences = JSON.parse(position.sequences ?? '[]') as number[];
    await updatePosition(tx, position, {
      ...SETTLED,
      sequence: sequences.at(-1) ?? position.sequence,
      delivered: position.delivered + sequences.length,
      accepted_at: request.now,
    });
    return true;
  });
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
    const sequences = JSON.parse(position.sequences ?? '[]') as number[];
    const last = sequences.at(-1) ?? position.sequence;
    if (sequences.length > 1) {
      await updatePosition(tx, position, { ...SETTLED, single_until: last });
      return;
    }
    const parked = { delivery_id: id, attempts: number, error, parked_at: now };
    await tx
      .insertInto('parked_deliveries')
      .values({ mailbox_key: position.mailbox_key, subscription, sequence: last, ...parked })
      .onConflict((conflict) => conflict.columns(['mailbox_key', 'subscription', 'sequence']).doUpdateSet(parked))
      .execute();
    await updatePosition(tx, position, { ...SETTLED, sequence: last });
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
