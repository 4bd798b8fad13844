import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { parseFeedCursor } from '../../model/feed-cursor.ts';
import type { MailboxId } from '../../model/ids.ts';
import { epochMs } from '../../model/point-in-time.ts';
import {
  checkedDefinition,
  EVERY_CHANGE,
  includesMailbox,
  InvalidSubscriptionError,
  type Beginning,
  type ChangeFilter,
  type DeliveryOrder,
  type Subscription,
  type SubscriptionTarget,
} from '../../model/subscription.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { SubscriptionTable } from '../engines/subscription-tables.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { checkCursor, placesFrom } from './places.ts';
import type { SubscriptionStore } from './subscription-store.ts';

/** See {@link SubscriptionStore.putSubscription}. */
export async function putSubscription(
  database: StoreDatabase,
  { definition, beginning, now }: RequestOf<SubscriptionStore, 'putSubscription'>,
): Promise<'made' | 'changed' | 'same'> {
  const { name, filter, batch, order, target } = checkedDefinition(definition);
  if (beginning.kind === 'cursor') parseFeedCursor(beginning.cursor);
  const values = {
    filter: filterText(filter),
    batch,
    delivery_order: JSON.stringify(order),
    target: JSON.stringify(target),
  };
  return database.write(async (tx) => {
    const { numInsertedOrUpdatedRows = 0n } = await tx
      .insertInto('subscriptions')
      .values({ name, ...values, created_at: now, ended_at: null, ended_reason: null })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows > 0n) {
      await begin(database, tx, { name, filter, beginning });
      return 'made';
    }
    const before = await database.dialect
      .locked(tx.selectFrom('subscriptions').selectAll().where('name', '=', name))
      .executeTakeFirstOrThrow();
    const former = toSubscription(before).target.kind;
    if (former !== target.kind)
      throw new InvalidSubscriptionError(
        `The subscription ${name} has a ${former} already, so it cannot have a ${target.kind}. ` +
          `Take another name, or end it first.`,
        { remedy: { kind: 'end-subscription', subscription: name } },
      );
    const isSame =
      before.filter === values.filter &&
      before.batch === batch &&
      before.delivery_order === values.delivery_order &&
      before.target === values.target &&
      before.ended_at === null;
    if (isSame) return 'same';
    await tx
      .updateTable('subscriptions')
      .set({ ...values, ended_at: null, ended_reason: null })
      .where('name', '=', name)
      .execute();
    return 'changed';
  });
}

/** Stores positions for the mailboxes that exist now. All changes of a mailbox that is added later are new. */
async function begin(
  database: StoreDatabase,
  tx: Transaction<Schema>,
  { name, filter, beginning }: Pick<Subscription, 'name' | 'filter'> & { readonly beginning: Beginning },
): Promise<void> {
  if (beginning.kind === 'first') return;
  const { sequence, event } = placesOf(beginning);
  await sql`insert into delivery_positions (mailbox_key, subscription, sequence, event)
    select m.key, ${name}, ${sequence}, ${event} from mailboxes m where true
    on conflict (mailbox_key, subscription) do nothing`.execute(tx);
  // Checked afterwards: a pruning in between must not look like an end.
  if (beginning.kind === 'cursor')
    await checkCursor(database, tx, { cursor: beginning.cursor, mailboxes: filter.mailboxes });
}

function placesOf(beginning: Exclude<Beginning, { kind: 'first' }>) {
  switch (beginning.kind) {
    case 'now':
      return { sequence: sql`m.change_sequence`, event: sql`m.event_sequence` };
    case 'since':
      return placesFrom({ since: epochMs(beginning.at) });
    case 'cursor':
      return placesFrom({ cursor: beginning.cursor });
  }
}

/** See {@link SubscriptionStore.listSubscriptions}. */
export async function listSubscriptions(database: StoreDatabase): Promise<readonly Subscription[]> {
  const rows = await database.read((db) => db.selectFrom('subscriptions').selectAll().orderBy('name').execute());
  return rows.map(toSubscription);
}

/** A filter without events has the same text as in earlier versions, so that an upgrade changes no subscription. */
function filterText({ events, ...filter }: ChangeFilter): string {
  return JSON.stringify(events.length === 0 ? filter : { ...filter, events });
}

export function toSubscription(row: Selectable<SubscriptionTable>): Subscription {
  return {
    name: row.name,
    filter: { ...EVERY_CHANGE, ...(JSON.parse(row.filter) as Partial<ChangeFilter>) },
    batch: row.batch,
    order: JSON.parse(row.delivery_order) as DeliveryOrder,
    target: JSON.parse(row.target) as SubscriptionTarget,
    createdAt: row.created_at,
    ended: row.ended_at === null ? null : { at: row.ended_at, reason: row.ended_reason ?? '' },
  };
}

export async function findSubscription(db: Kysely<Schema>, name: string): Promise<Subscription | null> {
  const row = await db.selectFrom('subscriptions').selectAll().where('name', '=', name).executeTakeFirst();
  return row === undefined ? null : toSubscription(row);
}

/** Whether a subscription delivers changes of a mailbox. */
export const delivers = ({ ended, filter }: Subscription, mailbox: MailboxId): boolean =>
  ended === null && includesMailbox(filter, mailbox);

export async function activeSubscriptions(db: Kysely<Schema>, mailbox: MailboxId): Promise<readonly Subscription[]> {
  const rows = await db.selectFrom('subscriptions').selectAll().where('ended_at', 'is', null).orderBy('name').execute();
  return rows.map(toSubscription).filter((each) => delivers(each, mailbox));
}

/** See {@link SubscriptionStore.removeSubscription}. */
export function removeSubscription(database: StoreDatabase, name: string): Promise<boolean> {
  return database.write(async (tx) => {
    const { numDeletedRows } = await tx.deleteFrom('subscriptions').where('name', '=', name).executeTakeFirstOrThrow();
    await tx.deleteFrom('delivery_positions').where('subscription', '=', name).execute();
    await tx.deleteFrom('parked_deliveries').where('subscription', '=', name).execute();
    await tx.deleteFrom('parked_events').where('subscription', '=', name).execute();
    return numDeletedRows > 0n;
  });
}

/** See {@link SubscriptionStore.endSubscription}. */
export async function endSubscription(
  database: StoreDatabase,
  { name, reason, now }: RequestOf<SubscriptionStore, 'endSubscription'>,
): Promise<void> {
  await database.write((tx) =>
    tx
      .updateTable('subscriptions')
      .set({ ended_at: now, ended_reason: reason })
      .where('name', '=', name)
      .where('ended_at', 'is', null)
      .execute(),
  );
}

/** Puts a renamed mailbox's new id into the filters that name it. */
export async function renameInFilters(tx: Transaction<Schema>, from: MailboxId, to: MailboxId): Promise<void> {
  for (const row of await tx.selectFrom('subscriptions').selectAll().execute()) {
    const { name, filter } = toSubscription(row);
    if (filter.mailboxes?.includes(from) !== true) continue;
    const mailboxes = filter.mailboxes.map((mailbox) => (mailbox === from ? to : mailbox));
    await tx
      .updateTable('subscriptions')
      .set({ filter: filterText({ ...filter, mailboxes }) })
      .where('name', '=', name)
      .execute();
  }
}

/** Copies the subscriptions to another database. A subscription of the same name there stays as it is. */
export async function copySubscriptions(from: StoreDatabase, to: StoreDatabase): Promise<void> {
  const rows = await from.read((db) => db.selectFrom('subscriptions').selectAll().execute());
  await to.write(async (tx) => {
    for (const row of rows)
      await tx
        .insertInto('subscriptions')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute();
  });
}
