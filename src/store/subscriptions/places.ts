import { sql, type Kysely, type RawBuilder } from 'kysely';
import { parseFeedCursor } from '../../model/feed-cursor.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { checkPosition, positionOf, sequenceAt } from '../feed/feed-position.ts';
import type { DeliveryStart, SubscriptionStore } from './subscription-store.ts';
import type { RequestOf } from '../engines/request-of.ts';

/** A place in each mailbox `m`: the sequence of the last change before it, and the number of the last event. */
interface MailboxPlaces {
  readonly sequence: RawBuilder<number>;
  readonly event: RawBuilder<number>;
}

/** Where deliveries begin in each mailbox `m`. An event right after the last passed change is not passed. */
export function placesFrom(from: DeliveryStart): MailboxPlaces {
  if ('since' in from) return { sequence: sequenceBefore(from.since), event: eventBefore(sql`e.at >= ${from.since}`) };
  const sequence =
    'cursor' in from ? sequenceAt(parseFeedCursor(from.cursor).position) : sql<number>`cast(${from.after} as bigint)`;
  return { sequence, event: eventBefore(sql`e.after_sequence >= ${sequence}`) };
}

/** The sequence before the first change of the mailbox `m` since a time (epoch ms); its last one when there is none. */
const sequenceBefore = (time: number): RawBuilder<number> => sql`coalesce(
  (select min(c.sequence) - 1 from changes c where c.mailbox_key = m.key and c.at >= ${time}),
  m.change_sequence
)`;

/**
 * The number before the first event `e` of the mailbox `m` that fulfils a condition; that of its last event when none
 * does.
 */
const eventBefore = (condition: RawBuilder<unknown>): RawBuilder<number> => sql`coalesce(
  (select min(e.number) - 1 from mailbox_events e where e.mailbox_key = m.key and ${condition}),
  m.event_sequence
)`;

/**
 * Checks that the change feed still goes on from a cursor as it did when the cursor was made.
 *
 * @param mailboxes - the mailboxes whose changes are asked for; null for all
 * @throws {InvalidCursorError | CursorAheadError | FeedReplacedError | CursorPrunedError}
 */
export async function checkCursor(
  { dialect }: Pick<StoreDatabase, 'dialect'>,
  db: Kysely<Schema>,
  { cursor, mailboxes }: { readonly cursor: string; readonly mailboxes: readonly MailboxId[] | null },
): Promise<void> {
  const keys =
    mailboxes === null
      ? null
      : await db.selectFrom('mailboxes').select('key').where(dialect.isOneOf('id', mailboxes)).execute();
  await checkPosition({ db, dialect }, positionOf(parseFeedCursor(cursor)), keys?.map(({ key }) => key) ?? null);
}

/** See {@link SubscriptionStore.checkBeginning}. */
export async function checkBeginning(
  database: StoreDatabase,
  { beginning, mailboxes }: RequestOf<SubscriptionStore, 'checkBeginning'>,
): Promise<void> {
  if (beginning.kind !== 'cursor') return;
  const { cursor } = beginning;
  await database.read((db) => checkCursor(database, db, { cursor, mailboxes }));
}
