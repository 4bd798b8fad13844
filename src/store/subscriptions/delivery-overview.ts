import { sql } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import type { Remedy } from '../../model/remedy.ts';
import { EVENT_KINDS, type EventKind } from '../../model/subscribed-event.ts';
import { includesMailbox } from '../../model/subscription.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { findSubscription } from './subscription-rows.ts';
import type { DeliveryCounts, DeliveryPosition, ParkedChange, SubscriptionStore } from './subscription-store.ts';

/** See {@link SubscriptionStore.readPositions}. */
export async function readPositions(database: StoreDatabase, name: string): Promise<readonly DeliveryPosition[]> {
  return database.read(async (db) => {
    const subscription = await findSubscription(db, name);
    if (subscription === null) return [];
    const rows = await db
      .selectFrom('mailboxes as m')
      .leftJoin('delivery_positions as p', (join) =>
        join.onRef('p.mailbox_key', '=', 'm.key').on('p.subscription', '=', name),
      )
      .selectAll('p')
      .select(['m.id', 'm.change_sequence', 'm.event_sequence'])
      .select(
        sql<number | string>`(select count(*) from parked_deliveries d
          where d.mailbox_key = m.key and d.subscription = ${name})
          + (select count(*) from parked_events e where e.mailbox_key = m.key and e.subscription = ${name})`.as(
          'parked',
        ),
      )
      .where('m.id', 'like', READABLE_ID)
      .orderBy('m.id')
      .execute();
    return rows
      .filter(({ id }) => includesMailbox(subscription.filter, id as MailboxId))
      .map((each) => ({
        mailbox: each.id as MailboxId,
        sequence: each.sequence ?? 0,
        head: each.change_sequence,
        event: each.event ?? 0,
        eventHead: each.event_sequence,
        delivered: each.delivered ?? 0,
        acceptedAt: each.accepted_at,
        parked: Number(each.parked),
        notKept: each.not_kept ?? 0,
        delivery:
          each.delivery_id === null
            ? null
            : {
                id: each.delivery_id,
                changes: each.sequences === null ? 0 : (JSON.parse(each.sequences) as number[]).length,
                event: each.sequences === null ? each.delivery_event : null,
                attempts: each.attempts ?? 0,
                since: each.first_attempt_at,
              },
        nextAttemptAt: each.next_attempt_at,
        error: each.last_error,
        remedy: each.last_remedy == null ? null : (JSON.parse(each.last_remedy) as Remedy),
      }));
  });
}

/** See {@link SubscriptionStore.countDeliveries}. */
export async function countDeliveries(database: StoreDatabase): Promise<readonly DeliveryCounts[]> {
  const { rows } = await database.read((db) =>
    sql<{ name: string; failing: number | string; parked: number | string }>`
      select s.name,
        (select count(*) from delivery_positions p where p.subscription = s.name and p.last_error is not null)
          as failing,
        (select count(*) from parked_deliveries d where d.subscription = s.name)
          + (select count(*) from parked_events e where e.subscription = s.name) as parked
      from subscriptions s order by s.name`.execute(db),
  );
  return rows.map(({ name, failing, parked }) => ({ name, failing: Number(failing), parked: Number(parked) }));
}

/** See {@link SubscriptionStore.listParked}. */
export async function listParked(
  database: StoreDatabase,
  { name, limit }: RequestOf<SubscriptionStore, 'listParked'>,
): Promise<readonly ParkedChange[]> {
  const { rows } = await database.read((db) =>
    sql<ParkedRow>`
      select m.id, d.sequence, null as event, null as kind, d.delivery_id, d.attempts, d.error, d.parked_at,
          d.replay_at
        from parked_deliveries d join mailboxes m on m.key = d.mailbox_key where d.subscription = ${name}
      union all
      select m.id, coalesce(h.after_sequence, 0), e.event, h.kind, e.delivery_id, e.attempts, e.error, e.parked_at,
          e.replay_at
        from parked_events e join mailboxes m on m.key = e.mailbox_key
        left join mailbox_events h on h.mailbox_key = e.mailbox_key and h.number = e.event
        where e.subscription = ${name}
      order by parked_at desc, id, sequence desc, event desc
      limit ${limit}`.execute(db),
  );
  return rows.map((row) => ({
    mailbox: row.id as MailboxId,
    sequence: row.sequence,
    event: row.event === null ? null : { number: row.event, kind: eventKind(row.kind) },
    deliveryId: row.delivery_id,
    attempts: row.attempts,
    error: row.error,
    parkedAt: row.parked_at,
    awaitsReplay: row.replay_at !== null,
  }));
}

interface ParkedRow {
  readonly id: string;
  readonly sequence: number;
  readonly event: number | null;
  /** null for a change, and for an event that was pruned since. */
  readonly kind: string | null;
  readonly delivery_id: string;
  readonly attempts: number;
  readonly error: string;
  readonly parked_at: number;
  readonly replay_at: number | null;
}

const eventKind = (text: string | null): EventKind | null => EVENT_KINDS.find((kind) => kind === text) ?? null;
