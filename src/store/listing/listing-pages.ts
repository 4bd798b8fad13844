import { sql } from 'kysely';
import type { ListingStore } from './listing-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { MessageId, ThreadId } from '../../model/ids.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import { mailboxKey, parseFullSync, parseSettings } from '../rows/mailbox-rows.ts';
import type { FullSyncProgress } from '../rows/mailbox-row.ts';
import type { AbsentQuery } from './listing-store.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { LABEL_LISTINGS } from './label-listings.ts';
import { saveStep } from './listing-progress.ts';
import { DECIDED_STATES, UNFETCHED_STATES } from '../rules/message-row.ts';

/** See {@link ListingStore.saveListingPage}. */
export function saveListingPage(
  database: StoreDatabase,
  request: RequestOf<ListingStore, 'saveListingPage'>,
): Promise<{ unknown: number }> {
  const { messages, position, isOfLaterLabel = false, generation, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    // An abandoned attempt may save its first page late, when the pass has gone on: that page begins no pass.
    const beginsPass = isAtTop(parseFullSync(locked.columns)) && position === 0 && !isOfLaterLabel;
    if (!(await saveStep(locked, generation, request.progress))) return { unknown: 0 };
    // A page that shifted while Gmail made it may name a message twice; one statement may write a row only once.
    const listed = [
      ...new Map(messages.map((message, index) => [message.id, { ...message, position: position + index }])).values(),
    ];
    const known = await countKnown(locked, listed);
    const compares = request.progress.reconciling || locked.columns.listed_generation > 0;
    if (beginsPass && compares) await forgetPositions(locked, generation);
    await writeListed(locked, listed, { generation, isOfLaterLabel, now });
    return { unknown: listed.length - known };
  });
}

/** Whether no page of the pass has been saved yet. */
const isAtTop = (stored: FullSyncProgress | null): boolean =>
  stored?.step === 'listing' && stored.listing === 0 && stored.position === 0;

/**
 * Forgets the positions of an earlier pass. A limit compares the positions of what was known with those of what was
 * not, and mail that arrives or leaves between two passes shifts them. Without a limit, no position counts.
 */
async function forgetPositions({ tx, key, columns }: MailboxTransaction, generation: number): Promise<void> {
  if (parseSettings(columns).scope.limit === null) return;
  await tx
    .updateTable('messages')
    .set({ position: null })
    .where('mailbox_key', '=', key)
    .where('listed_generation', '=', generation)
    .where('position', 'is not', null)
    .execute();
}

async function countKnown(
  { tx, dialect, key }: MailboxTransaction,
  messages: readonly { id: MessageId }[],
): Promise<number> {
  const { known } = await tx
    .selectFrom('messages')
    .select((eb) => eb.fn.countAll<number>().as('known'))
    .where('mailbox_key', '=', key)
    .where(
      dialect.isOneOf(
        'id',
        messages.map((message) => message.id),
      ),
    )
    .executeTakeFirstOrThrow();
  return known;
}

/**
 * Writes the page in one statement. A row that has a position of this generation keeps it. Only the listing of a later
 * label may give it a better one. A listed tombstone becomes `pending`. The row's `reading_history_id` is cleared,
 * because the listing that did not show the message was wrong. The history id of the deletion stays, so that a get from
 * before the deletion cannot bring it back.
 */
async function writeListed(
  { tx, key }: MailboxTransaction,
  listed: readonly { id: MessageId; threadId: ThreadId; position: number | null }[],
  {
    generation,
    isOfLaterLabel,
    now,
  }: { readonly generation: number; readonly isOfLaterLabel: boolean; readonly now: number },
): Promise<void> {
  const wasGone = sql`messages.state = 'gone'`;
  const isBetter = isOfLaterLabel ? sql`(excluded.position < messages.position)` : sql`(1 = 0)`;
  const seen = sql`messages.listed_generation = excluded.listed_generation`;
  const hasPlace = sql`(${seen} and messages.position is not null)`;
  await bulkInsert(
    tx,
    {
      table: 'messages',
      columns: [...NEW_ROW_COLUMNS],
      key: ['mailbox_key', 'id'],
      onConflict: {
        name: isOfLaterLabel ? 'listed by a later label' : 'listed',
        set: {
          position: sql`case when ${hasPlace} and not ${isBetter} then messages.position else excluded.position end`,
          rank: sql`case when ${wasGone} then excluded.rank when ${seen} or messages.lane = 'live' then
            messages.rank else excluded.rank end`,
          lane: sql`case when ${wasGone} then excluded.lane else messages.lane end`,
          discovered_at: sql`case when ${wasGone} then excluded.discovered_at else messages.discovered_at end`,
          reading_history_id: sql`case when ${wasGone} then null else messages.reading_history_id end`,
          state: sql`case when ${wasGone} then 'pending' else messages.state end`,
          buried_at: sql`null`,
          gone_because: sql`null`,
          listed_generation: sql`excluded.listed_generation`,
        },
      },
    },
    listed.map(({ id, threadId, position }) => [
      key,
      id,
      threadId,
      '[]',
      'pending',
      0,
      '',
      'backfill',
      position ?? 0,
      position,
      generation,
      position === null ? null : generation,
      0,
      0,
      now,
      0,
    ]),
  );
}

const NEW_ROW_COLUMNS = [
  'mailbox_key',
  'id',
  'thread_id',
  'label_ids',
  'state',
  'size_estimate',
  'snippet',
  'lane',
  'rank',
  'position',
  'listed_generation',
  'admitted_generation',
  'attempts',
  'next_attempt_at',
  'discovered_at',
  'announced',
] as const;

/** See {@link ListingStore.saveLabelListingPage}. */
export function saveLabelListingPage(
  database: StoreDatabase,
  request: RequestOf<ListingStore, 'saveLabelListingPage'>,
): Promise<void> {
  const { messages, labelId, generation, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    if (!(await saveStep(locked, generation, request.progress))) return;
    await bulkInsert(
      locked.tx,
      LABEL_LISTINGS,
      messages.map(({ id }) => [locked.key, id, labelId]),
    );
    if (!request.isInScope) return;
    const unseen = await notListed(locked, messages, generation);
    await writeListed(
      locked,
      unseen.map((message) => ({ ...message, position: null })),
      { generation, isOfLaterLabel: false, now },
    );
  });
}

async function notListed<Message extends { readonly id: MessageId }>(
  { tx, dialect, key }: MailboxTransaction,
  messages: readonly Message[],
  generation: number,
): Promise<readonly Message[]> {
  const seen = await tx
    .selectFrom('messages')
    .select('id')
    .where('mailbox_key', '=', key)
    .where('listed_generation', '=', generation)
    .where(
      dialect.isOneOf(
        'id',
        messages.map(({ id }) => id),
      ),
    )
    .execute();
  const known = new Set<string>(seen.map((row) => row.id));
  return [...new Map(messages.map((message) => [message.id, message])).values()].filter(({ id }) => !known.has(id));
}

/** See {@link ListingStore.listSeen}. */
export async function listSeen(
  database: StoreDatabase,
  query: AbsentQuery & { limit: number; after: MessageId | null },
): Promise<readonly MessageId[]> {
  const key = await mailboxKey(database, query.mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select('id')
      .where('mailbox_key', '=', key)
      .where('id', '>', query.after ?? '')
      // A pending row whose body is held may get its state without another fetch.
      .where((eb) =>
        eb.or([eb('state', 'in', DECIDED_STATES), eb('state', 'in', UNFETCHED_STATES).and('format', 'is not', null)]),
      )
      .where('listed_generation', '=', query.generation)
      .orderBy('id')
      .limit(query.limit)
      .execute(),
  );
  return rows.map((row) => row.id as MessageId);
}
