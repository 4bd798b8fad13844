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
      .select((eb) => ['id', takesPlace(eb, columns).as('takes_place')])
      .where('mailbox_key', '=', columns.key)
      .where(database.dialect.isOneOf('id', messageIds))
      .where('admitted_generation', 'is not', null)
      .where('state', 'in', ['stored', ...UNFETCHED_STATES])
      .execute(),
  );
  return {
    admitted: idsOf(rows.filter(({ takes_place: takes }) => takes)),
    arrived: idsOf(rows.filter(({ takes_place: takes }) => !takes)),
  };
}

const idsOf = (rows: readonly { readonly id: string }[]): ReadonlySet<MessageId> =>
  new Set(rows.map(({ id }) => id as MessageId));

/**
 * See {@link FetchingStore.countPlacesLeft}. A listing may show messages that no longer existed when it was made, and
 * those take no place. So a message that was never read counts only if history has reported it since.
 */
export async function countPlacesLeft(
  database: StoreDatabase,
  { mailbox, left, lastShown }: RequestOf<FetchingStore, 'countPlacesLeft'>,
): Promise<number> {
  const columns = await database.read((db) => mailboxColumns(db, mailbox));
  const { places } = await database.read((db) =>
    db
      .selectFrom('messages')
      .select((eb) => eb.fn.countAll<number>().as('places'))
      .where('mailbox_key', '=', columns.key)
      .where((eb) => {
        const hasLeft = database.dialect.isOneOf('id', left);
        const isBuried = eb.and([
          eb('state', 'in', ['gone', 'excluded']),
          eb('listed_generation', '=', columns.listed_generation),
        ]);
        const isReported = eb.or([hasLeft, eb('history_id', 'is not', null)]);
        // Without `lastShown`, or without its position, nothing is above it.
        const lastPosition = eb
          .selectFrom('messages as last')
          .select('last.position')
          .where('last.mailbox_key', '=', columns.key)
          .where('last.id', '=', lastShown);
        const isAbove = eb.and([isReported, eb('position', '<', lastPosition)]);
        return eb.and([
          eb.or([eb.and([hasLeft, eb('state', 'in', ['stored', ...UNFETCHED_STATES])]), isBuried]),
          eb.or([eb('internal_date', 'is not', null), columns.scope_floor === null ? isAbove : isReported]),
        ]);
      })
      .where((eb) => takesPlace(eb, columns))
      .executeTakeFirstOrThrow(),
  );
  return places;
}
