import type { MessageId } from '../../model/ids.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { mailboxColumns } from '../rows/mailbox-rows.ts';
import { takesPlace } from '../rows/takes-place.ts';
import { HELD_STATES } from '../rules/message-row.ts';
import type { Admission, FetchingStore } from './fetching-store.ts';

/** See {@link FetchingStore.admissionsOf}. */
export async function admissionsOf(
  database: StoreDatabase,
  { mailbox, messageIds }: RequestOf<FetchingStore, 'admissionsOf'>,
): Promise<ReadonlyMap<MessageId, Admission>> {
  const columns = await database.read((db) => mailboxColumns(db, mailbox));
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select((eb) => [
        'id',
        'state',
        'internal_date',
        'admitted_generation',
        takesPlace(eb, columns).as('takes_place'),
      ])
      .where('mailbox_key', '=', columns.key)
      .where(database.dialect.isOneOf('id', messageIds))
      .execute(),
  );
  return new Map(
    rows.map(({ id, state, internal_date: internalDate, admitted_generation: admitted, takes_place: takes }) => {
      const isAdmitted = admitted !== null && HELD_STATES.includes(state);
      return [id as MessageId, { internalDate, by: isAdmitted ? (takes ? 'listing' : 'arrival') : null }];
    }),
  );
}
