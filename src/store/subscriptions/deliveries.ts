import { CompiledQuery, type Transaction } from 'kysely';
import { createHash } from 'node:crypto';
import type { Change } from '../../model/change.ts';
import type { MailboxId } from '../../model/ids.ts';
import { boundedText } from '../../model/bounded-text.ts';
import type { Subscription } from '../../model/subscription.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { keyOf } from '../rows/mailbox-rows.ts';
import { changesAt, nextBatch } from './next-batch.ts';
import { lockedPosition, SETTLED, updatePosition, type Position } from './positions.ts';
import { activeSubscriptions, delivers, findSubscription } from './subscription-rows.ts';
import type {
  DeliveryNamed,
  DeliveryStep,
  DeliveryStore,
  DueDelivery,
  FailedDelivery,
  QueryWithin,
} from './subscription-store.ts';

/** Ms before an attempt is made after two that began and never ended: their workers may have died of it. */
const AFTER_LOST_ATTEMPTS = 30_000;

/** See {@link DeliveryStore.findDeliveries}. */
export async function findDeliveries(
  database: StoreDatabase,
  { mailbox, now }: RequestOf<DeliveryStore, 'findDeliveries'>,
): Promise<readonly DueDelivery[]> {
  const { dialect } = database;
  const due: DueDelivery[] = [];
  const behind = await database.read(async (db) => {
    const subscriptions = await activeSubscriptions(db, mailbox);
    if (subscriptions.length === 0) return [];
    const row = await db
      .selectFrom('mailboxes')
      .select(['key', 'change_sequence'])
      .where('id', '=', mailbox)
      .executeTakeFirst();
    if (row === undefined) return [];
    const positions = await db
      .selectFrom('delivery_positions')
      .selectAll()
      .where('mailbox_key', '=', row.key)
      .execute();
    const passable: { name: string; key: number; after: number; passed: number }[] = [];
    for (const { name, filter, target } of subscriptions) {
      const position = positions.find((each) => each.subscription === name);
      const after = position?.sequence ?? 0;
      if ((position?.next_attempt_at ?? 0) > now || after >= row.change_sequence) continue;
      if (position !== undefined && position.delivery_id !== null) {
        due.push({ subscription: name, target: target.kind });
        continue;
      }
      const search = { filter, after, size: 1 };
      const { changes, passed, isWhole } = await nextBatch(db, dialect, { mailbox, key: row.key }, search);
      if (changes.length > 0 || !isWhole) due.push({ subscription: name, target: target.kind });
      else passable.push({ name, key: row.key, after, passed });
    }
    return passable;
  });
  if (behind.length > 0)
    await database.write(async (tx) => {
      for (const { name, key, after, passed } of behind) {
        const position = await lockedPosition(database, tx, key, name);
        if (position?.sequence === after && position.delivery_id === null)
          await updatePosition(tx, position, { sequence: passed });
      }
    });
  return due;
}

/** See {@link DeliveryStore.nextChanges}. */
export function nextChanges(
  database: StoreDatabase,
  { mailbox, subscription: name }: RequestOf<DeliveryStore, 'nextChanges'>,
): Promise<readonly Change[] | null> {
  return database.read(async (db) => {
    const key = await keyOf(db, mailbox);
    const subscription = await findSubscription(db, name);
    if (subscription === null) return null;
    const position = await db
      .selectFrom('delivery_positions')
      .selectAll()
      .where('mailbox_key', '=', key)
      .where('subscription', '=', name)
      .executeTakeFirst();
    if (position !== undefined && position.delivery_id !== null) return null;
    const isSplit = position !== undefined && position.sequence < position.single_until;
    const { changes } = await nextBatch(
      db,
      database.dialect,
      { mailbox, key },
      {
        filter: subscription.filter,
        after: position?.sequence ?? 0,
        size: isSplit ? 1 : subscription.batch,
      },
    );
    return changes.length === 0 ? null : changes;
  });
}

/** See {@link DeliveryStore.beginDelivery}. */
export function beginDelivery(
  database: StoreDatabase,
  { mailbox, subscription: name, now, most }: RequestOf<DeliveryStore, 'beginDelivery'>,
): Promise<DeliveryStep> {
  return database.write(async (tx): Promise<DeliveryStep> => {
    const key = await keyOf(tx, mailbox);
    const subscription = await findSubscription(tx, name);
    if (subscription === null || !delivers(subscription, mailbox)) return { kind: 'idle' };
    const position = await lockedPosition(database, tx, key, name);
    if (position === null) return { kind: 'idle' };
    if ((position.next_attempt_at ?? 0) > now) return { kind: 'waits', until: position.next_attempt_at ?? now };
    const [id, changes] =
      position.delivery_id !== null && position.sequences !== null
        ? [
            position.delivery_id,
            await changesAt(tx, database.dialect, { mailbox, key }, JSON.parse(position.sequences) as number[]),
          ]
        : [null, []];
    if (id !== null && isSome(changes))
      return { kind: 'begun', delivery: await attempt(tx, position, { id, changes, now }) };
    const isSplit = position.sequence < position.single_until;
    const size = isSplit ? 1 : Math.min(subscription.batch, most ?? subscription.batch);
    const search = { filter: subscription.filter, after: position.sequence, size };
    const found = await nextBatch(tx, database.dialect, { mailbox, key }, search);
    const [first, ...others] = found.changes;
    if (first === undefined) {
      if (found.passed !== position.sequence || id !== null)
        await updatePosition(tx, position, { ...SETTLED, sequence: found.passed });
      return { kind: found.isWhole ? 'idle' : 'passed' };
    }
    const made = deliveryId({ subscription, mailbox, position, changes: found.changes });
    const delivery = { id: made, changes: [first, ...others], now } as const;
    return { kind: 'begun', delivery: await attempt(tx, { ...position, ...SETTLED }, delivery) };
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
  const { attempt: number, next, now, subscription, id } = request;
  const error = boundedText(request.error);
  await database.write(async (tx) => {
    const position = await namedPosition(database, tx, request);
    if (position === null || position.attempts !== number) return;
    if (next.kind === 'retry') {
      await updatePosition(tx, position, { next_attempt_at: next.at, last_error: error });
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
  { mailbox, subscription, until, reason }: RequestOf<DeliveryStore, 'postponeDelivery'>,
): Promise<void> {
  await database.write(async (tx) => {
    const position = await lockedPosition(database, tx, await keyOf(tx, mailbox), subscription);
    if (position === null) return;
    await updatePosition(tx, position, { next_attempt_at: until, last_error: boundedText(reason) });
  });
}

/** The locked position, if it names the delivery. */
async function namedPosition(
  database: StoreDatabase,
  tx: Transaction<Schema>,
  { mailbox, subscription, id }: DeliveryNamed,
): Promise<Position | null> {
  const position = await lockedPosition(database, tx, await keyOf(tx, mailbox), subscription);
  return position?.delivery_id === id ? position : null;
}
