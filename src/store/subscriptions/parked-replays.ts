import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { lockedPosition, unendedOf, updatePosition, type Position } from './positions.ts';
import { delivers, findSubscription } from './subscription-rows.ts';
import type { ParkedItem } from './delivery-store.ts';
import type { ReplayedParked, SubscriptionStore } from './subscription-store.ts';

// Parked changes and events that are delivered alone once more. A row waits for its replay while `replay_at` is set,
// and `replay_id` names the attempt that has begun.

/** See {@link SubscriptionStore.replayParked}. */
export function replayParked(
  database: StoreDatabase,
  { name, mailbox, id, now }: RequestOf<SubscriptionStore, 'replayParked'>,
): Promise<readonly ReplayedParked[]> {
  return database.write(async (tx) => {
    const subscription = await findSubscription(tx, name);
    if (subscription === null) return [];
    const mailboxes = await tx
      .selectFrom('mailboxes as m')
      .select(['m.key', 'm.id'])
      .where('m.id', 'like', READABLE_ID)
      .$if(mailbox !== null, (query) => query.where('m.id', '=', mailbox))
      .where(
        sql<boolean>`(exists (select 1 from parked_deliveries p where p.mailbox_key = m.key and ${named(name, id)})
        or exists (select 1 from parked_events p where p.mailbox_key = m.key and ${named(name, id)}))`,
      )
      .orderBy('m.id')
      .execute();
    const replayed: ReplayedParked[] = [];
    for (const { key, id: address } of mailboxes) {
      if (!delivers(subscription, address as MailboxId)) continue;
      const position = await lockedPosition(database, tx, key, name);
      if (position === null) continue;
      const counts = await ask(tx, { key, parked: named(name, id), now });
      if (counts.again > 0) await updatePosition(tx, position, { replays_parked: 1, ...withoutWait(position) });
      replayed.push({ mailbox: address as MailboxId, ...counts });
    }
    return replayed;
  });
}

/** The parked rows `p` of a subscription, or the one with an id. */
const named = (name: string, id: string | null): RawBuilder<boolean> =>
  id === null ? sql`p.subscription = ${name}` : sql`p.subscription = ${name} and p.delivery_id = ${id}`;

/** The stored changes and events that were parked, as the rows `kept`. Pruning may have deleted them. */
const KEPT = {
  parked_deliveries: sql`select 1 from changes kept
    where kept.mailbox_key = p.mailbox_key and kept.sequence = p.sequence`,
  parked_events: sql`select 1 from mailbox_events kept
    where kept.mailbox_key = p.mailbox_key and kept.number = p.event`,
} as const;

type ParkedTable = keyof typeof KEPT;

async function ask(
  tx: Transaction<Schema>,
  { key, parked, now }: { readonly key: number; readonly parked: RawBuilder<boolean>; readonly now: number },
): Promise<Omit<ReplayedParked, 'mailbox'>> {
  let [again, notKept] = [0, 0];
  for (const table of ['parked_deliveries', 'parked_events'] as const) {
    await sql`update ${sql.table(table)} as p set replay_at = ${now}, replays = replays + 1
      where p.mailbox_key = ${key} and ${parked} and p.replay_at is null and exists (${KEPT[table]})`.execute(tx);
    const { rows } = await sql<{ again: number | string; not_kept: number | string }>`
      select count(replay_at) as again, count(*) - count(replay_at) as not_kept
        from ${sql.table(table)} as p where p.mailbox_key = ${key} and ${parked}`.execute(tx);
    again += Number(rows[0]?.again ?? 0);
    notKept += Number(rows[0]?.not_kept ?? 0);
  }
  return { again, notKept };
}

/**
 * A delivery that waits after a failure need not wait longer, since the person who asks for a replay says that the
 * target works. The pause of a delivery that may end its worker stays.
 */
const withoutWait = (position: Position): Pick<Position, 'next_attempt_at'> | undefined =>
  unendedOf(position) === 0 ? { next_attempt_at: null } : undefined;

/**
 * 1 when parked rows of the position `p` wait for a replay. The rows are searched only if some may wait, since there
 * may be many.
 */
export const AWAITS_REPLAY = sql<number>`case when p.replays_parked = 0 then 0
  when exists (select 1 from parked_deliveries d where d.mailbox_key = p.mailbox_key
    and d.subscription = p.subscription and d.replay_at is not null) then 1
  when exists (select 1 from parked_events e where e.mailbox_key = p.mailbox_key
    and e.subscription = p.subscription and e.replay_at is not null) then 1
  else 0 end`;

/** Records whether any parked row still waits for a replay. */
async function noteReplays(tx: Transaction<Schema>, { mailbox_key: key, subscription }: Position): Promise<void> {
  await sql`update delivery_positions as p set replays_parked = ${AWAITS_REPLAY}
    where p.mailbox_key = ${key} and p.subscription = ${subscription}`.execute(tx);
}

/** What waits for its replay, changes first; null when nothing does. */
export async function nextReplay(
  db: Kysely<Schema>,
  { mailbox_key: key, subscription }: Pick<Position, 'mailbox_key' | 'subscription'>,
): Promise<{ readonly item: ParkedItem; readonly unended: string | null } | null> {
  const first = (table: ParkedTable, column: 'sequence' | 'event') => sql<ReplayRow>`
    select ${sql.ref(column)} as number, replay_id from ${sql.table(table)}
      where mailbox_key = ${key} and subscription = ${subscription} and replay_at is not null
      order by ${sql.ref(column)} limit 1`;
  const [change] = (await first('parked_deliveries', 'sequence').execute(db)).rows;
  if (change !== undefined) return { item: { sequence: change.number }, unended: change.replay_id };
  const [event] = (await first('parked_events', 'event').execute(db)).rows;
  return event === undefined ? null : { item: { event: event.number }, unended: event.replay_id };
}

interface ReplayRow {
  readonly number: number;
  readonly replay_id: string | null;
}

/** A parked row that waits for its replay. */
export interface AskedReplay {
  readonly position: Position;
  readonly item: ParkedItem;
}

const rowOf = ({ position, item }: AskedReplay): RawBuilder<unknown> =>
  sql`mailbox_key = ${position.mailbox_key} and subscription = ${position.subscription} and ${
    'sequence' in item ? sql`sequence = ${item.sequence}` : sql`event = ${item.event}`
  }`;
const tableOf = ({ item }: AskedReplay) => sql.table('sequence' in item ? 'parked_deliveries' : 'parked_events');

/**
 * How often a replay of the row was asked for; null when no attempt is to begin. The caller holds the position's lock.
 */
export async function replaysOf(tx: Transaction<Schema>, row: AskedReplay): Promise<number | null> {
  const { rows } = await sql<{ replays: number }>`select replays from ${tableOf(row)}
    where ${rowOf(row)} and replay_at is not null and replay_id is null`.execute(tx);
  return rows[0]?.replays ?? null;
}

export async function markReplayBegun(tx: Transaction<Schema>, row: AskedReplay, id: string): Promise<void> {
  await sql`update ${tableOf(row)} set replay_id = ${id} where ${rowOf(row)}`.execute(tx);
}

/** The row whose replay has begun under an id; null when no row waits under it any more. */
export async function replayNamed(
  tx: Transaction<Schema>,
  position: Position,
  id: string,
): Promise<AskedReplay | null> {
  const { mailbox_key: key, subscription } = position;
  const isNamed = sql`mailbox_key = ${key} and subscription = ${subscription}
    and replay_at is not null and replay_id = ${id}`;
  const { rows } = await sql<{ sequence: number | null; event: number | null }>`
    select sequence, null as event from parked_deliveries
      where ${isNamed}
    union all
    select null, event from parked_events
      where ${isNamed}`.execute(tx);
  const [row] = rows;
  if (row === undefined) return null;
  if (row.sequence !== null) return { position, item: { sequence: row.sequence } };
  return row.event === null ? null : { position, item: { event: row.event } };
}

/** The target has accepted the replay, so the row is no longer parked. */
export async function endReplay(tx: Transaction<Schema>, row: AskedReplay): Promise<void> {
  await sql`delete from ${tableOf(row)} where ${rowOf(row)}`.execute(tx);
  await noteReplays(tx, row.position);
}

/** Ends a replay; the row stays parked. */
export async function parkAgain(
  tx: Transaction<Schema>,
  row: AskedReplay,
  { error, now }: { readonly error: string; readonly now: number },
): Promise<void> {
  await sql`update ${tableOf(row)} set delivery_id = coalesce(replay_id, delivery_id),
      attempts = attempts + case when replay_id is null then 0 else 1 end,
      error = ${error}, parked_at = ${now}, replay_at = null, replay_id = null
    where ${rowOf(row)}`.execute(tx);
  await noteReplays(tx, row.position);
}

/** The replay's attempt has ended without an answer, so another attempt may begin. */
export async function releaseReplay(tx: Transaction<Schema>, row: AskedReplay): Promise<void> {
  await sql`update ${tableOf(row)} set replay_id = null where ${rowOf(row)}`.execute(tx);
}
