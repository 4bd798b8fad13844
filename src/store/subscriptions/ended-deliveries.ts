import { CompiledQuery, type Transaction } from 'kysely';
import { boundedText } from '../../model/bounded-text.ts';
import type { Remedy } from '../../model/remedy.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { keyOf } from '../rows/mailbox-rows.ts';
import { endReplay, parkAgain, releaseReplay, replayNamed, type AskedReplay } from './parked-replays.ts';
import { lockedPosition, BETWEEN_DELIVERIES, updatePosition, withOneEnded, type Position } from './positions.ts';
import type { DeliveryNamed, DeliveryPlace, DeliveryStore, FailedDelivery, QueryWithin } from './delivery-store.ts';

// How attempts end.

/** What the end of an attempt names: the delivery under way, or the replay of one that was parked. */
type Ended =
  | { readonly kind: 'delivery'; readonly position: Position }
  | { readonly kind: 'replay'; readonly position: Position; readonly row: AskedReplay };

/** Locks the position. @returns null when what the request names was accepted, given up or replayed meanwhile */
async function endedOf(
  database: StoreDatabase,
  tx: Transaction<Schema>,
  { mailbox, subscription, id }: Omit<DeliveryNamed, 'now'>,
): Promise<Ended | null> {
  const position = await lockedPosition(database, tx, await keyOf(tx, mailbox), subscription);
  if (position === null) return null;
  if (position.delivery_id === id) return { kind: 'delivery', position };
  const row = await replayNamed(tx, position, id);
  return row === null ? null : { kind: 'replay', position, row };
}

/** See {@link DeliveryStore.releaseDelivery}. */
export async function releaseDelivery(
  database: StoreDatabase,
  request: RequestOf<DeliveryStore, 'releaseDelivery'>,
): Promise<void> {
  await database.write(async (tx) => {
    const ended = await endedOf(database, tx, request);
    if (ended === null) return;
    if (ended.kind === 'replay') {
      await releaseReplay(tx, ended.row);
      return;
    }
    const { position } = ended;
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
    const ended = await endedOf(database, tx, request);
    if (ended === null) return false;
    await work(async (text, values = []) => {
      const { rows } = await tx.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, [...values]));
      return rows;
    });
    const { position } = ended;
    const accepted = (count: number) => ({ delivered: position.delivered + count, accepted_at: request.now });
    if (ended.kind === 'replay') {
      await endReplay(tx, ended.row);
      await updatePosition(tx, position, accepted(1));
      return true;
    }
    const { count, last } = underWay(position);
    await updatePosition(tx, position, { ...BETWEEN_DELIVERIES, ...last, ...accepted(count) });
    return true;
  });
}

/**
 * How much the delivery under way holds, and where the position is once it is over. A program of the previous version
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
  const { attempt: number, next, now, remedy = null } = request;
  const error = boundedText(request.error);
  await database.write(async (tx) => {
    const ended = await endedOf(database, tx, request);
    if (ended === null) return;
    if (ended.kind === 'replay') {
      await parkAgain(tx, ended.row, { error, now });
      return;
    }
    const { position } = ended;
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
    await park(tx, position, { ...request, error });
  });
}

/** Parks what the delivery under way holds. Several changes are not parked: each is then delivered by itself. */
async function park(
  tx: Transaction<Schema>,
  position: Position,
  { subscription, id, attempt: attempts, error, now }: FailedDelivery,
): Promise<void> {
  const { count, event, last } = underWay(position);
  if (count > 1) {
    await updatePosition(tx, position, { ...BETWEEN_DELIVERIES, single_until: last.sequence });
    return;
  }
  const parked = { delivery_id: id, attempts, error, parked_at: now };
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
  await updatePosition(tx, position, { ...BETWEEN_DELIVERIES, ...last });
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
