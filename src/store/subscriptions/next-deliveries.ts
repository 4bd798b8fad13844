import type { Kysely } from 'kysely';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { nextBatch } from './next-batch.ts';
import { newestOf } from './newest-change.ts';
import { AWAITS_REPLAY, nextReplay } from './parked-replays.ts';
import { isAt, lockedPosition, placeOf, unendedOf, updatePosition, waitsUntil, type Position } from './positions.ts';
import { activeSubscriptions, delivers, findSubscription } from './subscription-rows.ts';
import type {
  DeliveryPlace,
  DeliveryStore,
  DueDelivery,
  FixedDelivery,
  FoundDeliveries,
  NextDelivery,
} from './delivery-store.ts';

// What there is to deliver. Nothing here begins an attempt.

/** A position that is behind only by changes that nobody asked for. */
interface Passable {
  readonly name: string;
  readonly key: number;
  readonly after: DeliveryPlace;
  readonly passed: DeliveryPlace;
}

/** See {@link DeliveryStore.findDeliveries}. */
export async function findDeliveries(
  database: StoreDatabase,
  request: RequestOf<DeliveryStore, 'findDeliveries'>,
): Promise<FoundDeliveries> {
  const { passable, ...found } = await database.read((db) => search(database, db, request));
  if (passable.length > 0) await pass(database, passable);
  return found;
}

async function search(
  { dialect }: StoreDatabase,
  db: Kysely<Schema>,
  { mailbox, now }: RequestOf<DeliveryStore, 'findDeliveries'>,
): Promise<FoundDeliveries & { readonly passable: readonly Passable[] }> {
  const subscriptions = await activeSubscriptions(db, mailbox);
  const newest = subscriptions.length === 0 ? null : await newestOf(db, mailbox);
  if (newest === null) return { due: [], listening: [], waiting: [], upTo: 0, passable: [] };
  const { key, pruned, ...head } = newest;
  const positions = await db
    .selectFrom('delivery_positions as p')
    .selectAll()
    .select(AWAITS_REPLAY.as('awaits_replay'))
    .where('p.mailbox_key', '=', key)
    .execute();
  const due: DueDelivery[] = [];
  const passable: Passable[] = [];
  const listening = new Set<DueDelivery['target']>();
  const waiting: FoundDeliveries['waiting'][number][] = [];
  // Whether events or replays may be due, too, besides changes after the position.
  let mayHaveOthers = false;
  for (const { name, filter, target } of subscriptions) {
    const position = positions.find((each) => each.subscription === name);
    const after = placeOf(position);
    const until = waitsUntil(position, now);
    if (until !== null) {
      waiting.push({ subscription: name, target: target.kind, until });
      continue;
    }
    listening.add(target.kind);
    const awaitsReplay = position?.awaits_replay === 1;
    if (after.sequence >= head.sequence && after.event >= head.event && !awaitsReplay) continue;
    const isUnderWay = position !== undefined && position.delivery_id !== null;
    // Pruned changes are counted when a delivery begins.
    const isSurelyDue = isUnderWay || awaitsReplay || after.sequence < pruned;
    const batch = isSurelyDue ? null : await nextBatch(db, dialect, { mailbox, key }, { filter, after, head, size: 1 });
    if (batch !== null && batch.changes.length === 0 && batch.event === null && batch.isWhole) {
      passable.push({ name, key, after, passed: batch.passed });
      continue;
    }
    due.push({ subscription: name, target: target.kind });
    mayHaveOthers ||= awaitsReplay || after.event < head.event;
  }
  const upTo = due.length === 0 ? 0 : mayHaveOthers ? null : head.sequence;
  return { due, listening: [...listening], waiting, upTo, passable };
}

async function pass(database: StoreDatabase, passable: readonly Passable[]): Promise<void> {
  await database.write(async (tx) => {
    for (const { name, key, after, passed } of passable) {
      const position = await lockedPosition(database, tx, key, name);
      if (position !== null && isAt(position, after) && position.delivery_id === null)
        await updatePosition(tx, position, passed);
    }
  });
}

/** See {@link DeliveryStore.nextDelivery}. */
export function nextDelivery(
  database: StoreDatabase,
  { mailbox, subscription: name, now }: RequestOf<DeliveryStore, 'nextDelivery'>,
): Promise<NextDelivery> {
  return database.read(async (db): Promise<NextDelivery> => {
    const subscription = await findSubscription(db, name);
    const newest = await newestOf(db, mailbox);
    if (subscription === null || newest === null || !delivers(subscription, mailbox)) return { kind: 'idle' };
    const position = await positionOf(db, newest.key, name);
    const after = placeOf(position);
    const until = waitsUntil(position, now);
    if (until !== null) return { kind: 'waits', until };
    const replay = position?.awaits_replay === 1 ? await nextReplay(db, position) : null;
    if (replay !== null) return { kind: 'parked', ...replay };
    if (position !== undefined && position.delivery_id !== null)
      return { kind: 'fixed', delivery: fixedDelivery(position, position.delivery_id) };
    if (after.sequence < newest.pruned)
      return { kind: 'found', after, changes: [], event: null, passed: { ...after, sequence: newest.pruned } };
    const isSplit = position !== undefined && after.sequence < position.single_until;
    const { changes, event, passed } = await nextBatch(
      db,
      database.dialect,
      { mailbox, key: newest.key },
      { filter: subscription.filter, after, head: newest, size: isSplit ? 1 : subscription.batch },
    );
    const isIdle = changes.length === 0 && event === null && isAt(passed, after);
    return isIdle ? { kind: 'idle' } : { kind: 'found', after, changes, event, passed };
  });
}

/** What is known of a delivery under way without its content. */
function fixedDelivery(position: Position, id: string): FixedDelivery {
  const { attempts, sequences, next_attempt_at: waited } = position;
  const holds = sequences === null ? 1 : (JSON.parse(sequences) as number[]).length;
  return { id, attempts, unended: unendedOf(position), hasWaited: waited !== null, holds, isEvent: sequences === null };
}

function positionOf(db: Kysely<Schema>, key: number, name: string) {
  return db
    .selectFrom('delivery_positions as p')
    .selectAll()
    .select(AWAITS_REPLAY.as('awaits_replay'))
    .where('p.mailbox_key', '=', key)
    .where('p.subscription', '=', name)
    .executeTakeFirst();
}
