import { sql, type Selectable, type Transaction } from 'kysely';
import type { Schema } from '../engines/schema.ts';
import type { DeliveryPositionTable } from '../engines/subscription-tables.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import type { DeliveryPlace } from './delivery-store.ts';

/** How far a subscription is in a mailbox. */
export type Position = Selectable<DeliveryPositionTable>;

/** The longest wait between attempts (ms): a target may ask for a day. Clocks may differ by an hour. */
const LONGEST_WAIT = 25 * 3_600_000;

/**
 * The time of a position's next attempt, in epoch ms; null when it is due. A time further ahead than the longest wait
 * was written by a wrong clock. It is not believed, since the subscription would stand still until then.
 */
export function waitsUntil(position: Pick<Position, 'next_attempt_at'> | undefined, now: number): number | null {
  const at = position?.next_attempt_at ?? 0;
  return at > now && at <= now + LONGEST_WAIT ? at : null;
}

/**
 * When the first attempt at the delivery under way began, in epoch ms. A time to come was written by a wrong clock: a
 * delivery that began then would be retried until long after it has to be parked.
 */
export const beganAt = ({ first_attempt_at: at }: Position, now: number): number => Math.min(at ?? now, now);

/** A position between two deliveries. */
export const BETWEEN_DELIVERIES = {
  delivery_id: null,
  sequences: null,
  delivery_event: null,
  attempts: 0,
  unended: 0,
  unended_delivery: null,
  first_attempt_at: null,
  next_attempt_at: null,
  last_error: null,
  last_remedy: null,
} as const;

/** How many attempts at the delivery under way have no reported end. One of them may still run. */
export const unendedOf = ({ delivery_id: id, unended, unended_delivery: counted }: Position): number =>
  id !== null && id === counted ? unended : 0;

/** One of the unended attempts has ended, in whatever way. */
export const withOneEnded = (position: Position): Pick<Position, 'unended'> => ({
  unended: Math.max(0, position.unended - 1),
});

/** The place of a position; the beginning when there is no position. */
export const placeOf = (position: DeliveryPlace | undefined): DeliveryPlace => ({
  sequence: position?.sequence ?? 0,
  event: position?.event ?? 0,
});

export const isAt = (a: DeliveryPlace, b: DeliveryPlace): boolean => a.sequence === b.sequence && a.event === b.event;

/**
 * Locks the position of a subscription in a mailbox, and makes it if it is missing. The mailbox's row is not locked:
 * deliveries and syncs do not wait for each other.
 *
 * @returns null when there is no such subscription: it was removed meanwhile
 */
export async function lockedPosition(
  { dialect }: StoreDatabase,
  tx: Transaction<Schema>,
  key: number,
  name: string,
): Promise<Position | null> {
  const read = () =>
    dialect
      .locked(
        tx.selectFrom('delivery_positions').selectAll().where('mailbox_key', '=', key).where('subscription', '=', name),
      )
      .executeTakeFirst();
  const position = await read();
  if (position !== undefined) return position;
  await sql`insert into delivery_positions (mailbox_key, subscription, sequence)
    select ${key}, name, 0 from subscriptions where name = ${name}
    on conflict (mailbox_key, subscription) do nothing`.execute(tx);
  return (await read()) ?? null;
}

export async function updatePosition(
  tx: Transaction<Schema>,
  { mailbox_key: key, subscription }: Position,
  values: Partial<Position>,
): Promise<void> {
  await tx
    .updateTable('delivery_positions')
    .set(values)
    .where('mailbox_key', '=', key)
    .where('subscription', '=', subscription)
    .execute();
}
