import type { MessageId } from '../../model/ids.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import { ARRIVED, UNFETCHED_STATES } from '../rules/message-row.ts';
import type { Admissions, FetchingStore } from './fetching-store.ts';

/** See {@link FetchingStore.admissionsOf}. */
export async function admissionsOf(
  database: StoreDatabase,
  { mailbox, messageIds }: RequestOf<FetchingStore, 'admissionsOf'>,
): Promise<Admissions> {
  const key = await mailboxKey(database, mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select(['id', 'admitted_generation', 'internal_date'])
      .where('mailbox_key', '=', key)
      .where(database.dialect.isOneOf('id', messageIds))
      .where('admitted_generation', 'is not', null)
      .where('state', 'in', ['stored', ...UNFETCHED_STATES])
      .execute(),
  );
  const listed = rows.filter(({ admitted_generation: admitted }) => admitted !== ARRIVED);
  return {
    admitted: idsOf(listed),
    dated: idsOf(listed.filter(({ internal_date: date }) => date !== null)),
    arrived: idsOf(rows.filter(({ admitted_generation: admitted }) => admitted === ARRIVED)),
  };
}

const idsOf = (rows: readonly { readonly id: string }[]): ReadonlySet<MessageId> =>
  new Set(rows.map(({ id }) => id as MessageId));

/** See {@link FetchingStore.countAdmittedGone}. */
export async function countAdmittedGone(
  database: StoreDatabase,
  { mailbox }: RequestOf<FetchingStore, 'countAdmittedGone'>,
): Promise<number> {
  const key = await mailboxKey(database, mailbox);
  const { gone } = await database.read((db) =>
    db
      .selectFrom('messages')
      .innerJoin('mailboxes', 'mailboxes.key', 'messages.mailbox_key')
      .select((eb) => eb.fn.countAll<number>().as('gone'))
      .where('mailbox_key', '=', key)
      .where('state', 'in', ['gone', 'excluded'])
      .whereRef('messages.listed_generation', '=', 'mailboxes.listed_generation')
      .where('admitted_generation', '>', ARRIVED)
      .where('internal_date', 'is not', null)
      .executeTakeFirstOrThrow(),
  );
  return gone;
}
