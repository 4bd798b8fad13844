import type { MessageId } from '../../model/ids.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { mailboxColumns } from '../rows/mailbox-rows.ts';
import { takesPlace } from '../rows/takes-place.ts';
import { UNFETCHED_STATES } from '../rules/message-row.ts';
import type { Admissions, FetchingStore } from './fetching-store.ts';

/** See {@link FetchingStore.admissionsOf}. */
export async function admissionsOf(
  database: StoreDatabase,
  { mailbox, messageIds }: RequestOf<FetchingStore, 'admissionsOf'>,
): Promise<Admissions> {
  const columns = await database.read((db) => mailboxColumns(db, mailbox));
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select((eb) => ['id', 'internal_date', takesPlace(eb, columns).as('takes_place')])
      .where('mailbox_key', '=', columns.key)
      .where(database.dialect.isOneOf('id', messageIds))
      .where('admitted_generation', 'is not', null)
      .where('state', 'in', ['stored', ...UNFETCHED_STATES])
      .execute(),
  );
  const admitted = rows.filter(({ takes_place: takes }) => Boolean(takes));
  return {
    admitted: idsOf(admitted),
    dated: idsOf(admitted.filter(({ internal_date: date }) => date !== null)),
    arrived: idsOf(rows.filter(({ takes_place: takes }) => !takes)),
  };
}

const idsOf = (rows: readonly { readonly id: string }[]): ReadonlySet<MessageId> =>
  new Set(rows.map(({ id }) => id as MessageId));

/** See {@link FetchingStore.countAdmittedGone}. */
export async function countAdmittedGone(
  database: StoreDatabase,
  { mailbox }: RequestOf<FetchingStore, 'countAdmittedGone'>,
): Promise<number> {
  const columns = await database.read((db) => mailboxColumns(db, mailbox));
  const { gone } = await database.read((db) =>
    db
      .selectFrom('messages')
      .select((eb) => eb.fn.countAll<number>().as('gone'))
      .where('mailbox_key', '=', columns.key)
      .where('state', 'in', ['gone', 'excluded'])
      .where('listed_generation', '=', columns.listed_generation)
      .where((eb) => takesPlace(eb, columns))
      .where('internal_date', 'is not', null)
      .executeTakeFirstOrThrow(),
  );
  return gone;
}
