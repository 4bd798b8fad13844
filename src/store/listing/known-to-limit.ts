import type { Kysely } from 'kysely';
import type { MessageId } from '../../model/ids.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import type { MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { awaitsRelisting, mailboxColumns, parseFullSync } from '../rows/mailbox-rows.ts';
import { ARRIVED, HELD_STATES } from '../rules/message-row.ts';
import type { AbsentQuery, LimitEdge, ListedAt } from './listing-store.ts';

/** The position above every listed message. */
const TOP = -1;

interface Known {
  readonly position: number;
  readonly internalDate: number | null;
}

/**
 * Whether no listing has left anything out: the scope has never held more than its limit, but for what arrived. A first
 * listing may have shown too little, so its relisting decides.
 */
export const leftNothingOut = (columns: MailboxTransaction['columns']): boolean =>
  columns.listed_generation > 0 && columns.limit_reached === 0 && !awaitsRelisting(columns);

/**
 * The last listed row that the store knew before this listing. A message that no listing let in counts only if it is
 * known to be as new as those within the limit: an old message would lift the limit for everything newer.
 */
export async function lastKnown(
  { tx, key, columns }: Pick<MailboxTransaction, 'key' | 'columns'> & { readonly tx: Kysely<Schema> },
  generation: number,
): Promise<Known> {
  const { listed_generation: listed, scope_floor: floor } = columns;
  const row = await tx
    .selectFrom('messages')
    .select(['position', 'internal_date'])
    .where('mailbox_key', '=', key)
    .where('listed_generation', '=', generation)
    .where('position', 'is not', null)
    .where((eb) => {
      const isCounted = eb('admitted_generation', '>', ARRIVED).and('admitted_generation', '<=', listed);
      const isOther = eb('state', '=', 'stored').and(
        eb.or([eb('admitted_generation', 'is', null), eb('admitted_generation', '=', ARRIVED)]),
      );
      return eb.or([
        eb('state', 'in', HELD_STATES).and(isCounted),
        ...(leftNothingOut(columns) ? [isOther] : []),
        ...(floor === null ? [] : [isOther.and('internal_date', '>=', floor)]),
      ]);
    })
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return { position: row?.position ?? TOP, internalDate: row?.internal_date ?? null };
}

/** See `ListingStore.limitEdge`. */
export function limitEdge(database: StoreDatabase, { mailbox, generation }: AbsentQuery): Promise<LimitEdge> {
  return database.read(async (tx) => {
    const columns = await mailboxColumns(tx, mailbox);
    const known = await lastKnown({ tx, key: columns.key, columns }, generation);
    const isOtherScope = parseFullSync(columns)?.isOtherScope === true;
    return { ...known, floor: isOtherScope ? null : columns.scope_floor, leftNothingOut: leftNothingOut(columns) };
  });
}

/** See `ListingStore.listedFrom`. */
export function listedFrom(
  database: StoreDatabase,
  { mailbox, generation, position, limit }: AbsentQuery & { readonly position: number; readonly limit: number },
): Promise<readonly ListedAt[]> {
  return database.read(async (db) => {
    const listed = db
      .selectFrom('messages')
      .innerJoin('mailboxes', 'mailboxes.key', 'messages.mailbox_key')
      .where('mailboxes.id', '=', mailbox)
      .where('messages.listed_generation', '=', generation)
      .where('messages.position', '>=', position);
    const places = await listed
      .select('messages.position')
      .distinct()
      .orderBy('messages.position')
      .limit(limit)
      .execute();
    const last = places.at(-1)?.position ?? null;
    if (last === null) return [];
    const rows = await listed
      .select(['messages.id', 'messages.internal_date', 'messages.position'])
      .where('messages.position', '<=', last)
      .orderBy('messages.id')
      .execute();
    return places.map(({ position: place }) => ({
      position: place ?? 0,
      messages: rows
        .filter((row) => row.position === place)
        .map(({ id, internal_date: internalDate }) => ({ id: id as MessageId, internalDate })),
    }));
  });
}
