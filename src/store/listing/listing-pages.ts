import { sql } from 'kysely';
import type { ListingStore } from './listing-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { MessageId, ThreadId } from '../../model/ids.ts';
import { wantsAttachments, type MailboxSettings } from '../../model/settings.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import { earlyReadingsDue } from '../rows/early-due.ts';
import { mailboxKey, parseFullSync, parseSettings } from '../rows/mailbox-rows.ts';
import type { AbsentQuery } from './listing-store.ts';
import type { FullSyncProgress } from '../rows/mailbox-row.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { setScopeFloor } from './scope-floor.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

export const LABEL_LISTINGS = {
  table: 'label_listings',
  columns: ['mailbox_key', 'message_id', 'label_id'],
  key: ['mailbox_key', 'message_id', 'label_id'],
  onConflict: 'ignore',
} as const;

/** Messages read early are read again one by one if that is still open this long after it was due (ms). */
const FORGOTTEN = 60 * 60_000;

/** See {@link ListingStore.beginFullSync}. */
export function beginFullSync(
  database: StoreDatabase,
  request: RequestOf<ListingStore, 'beginFullSync'>,
): Promise<FullSyncProgress | null> {
  const { mailbox, generation, startHistoryId, now } = request;
  return withMailbox(database, mailbox, async (locked) => {
    if (generation < locked.columns.generation) return null;
    const begun = parseFullSync(locked.columns);
    if (generation === locked.columns.generation && begun !== null) return begun;
    const due = begun === null ? null : earlyReadingsDue(begun);
    const progress: FullSyncProgress = {
      generation,
      startHistoryId,
      startedAt: now,
      reconciling: await holdsMessages(locked),
      ...(due === null || due + FORGOTTEN < now ? {} : { earlyReadingsDue: due }),
      step: 'listing',
      pass: 0,
      listing: 0,
      pageToken: null,
      position: 0,
      passHistoryId: startHistoryId,
    };
    await forgetLabelListings(locked);
    if (request.settings !== undefined && wantsOther(parseSettings(locked.columns), request.settings))
      await forgetAttempts(locked);
    const settings = request.settings === undefined ? locked.columns.settings : JSON.stringify(request.settings);
    const doubt =
      request.settings !== undefined && hasOtherScope(parseSettings(locked.columns), request.settings)
        ? null
        : locked.columns.doubt;
    await locked.updateMailbox({ generation, settings, full_sync: JSON.stringify(progress), doubt });
    return progress;
  });
}

/**
 * Whether messages are fetched in another form under `after`. A failure in one form does not predict one in another.
 */
function wantsOther(before: MailboxSettings, after: MailboxSettings): boolean {
  return before.format !== after.format || wantsAttachments(before) !== wantsAttachments(after);
}

/**
 * Whether `after` lists other messages. The doubt that listings left under `before` does not apply to another scope.
 */
function hasOtherScope({ scope: before }: MailboxSettings, { scope: after }: MailboxSettings): boolean {
  const sameLabels = before.labelIds.toSorted().join(' ') === after.labelIds.toSorted().join(' ');
  return (
    !sameLabels ||
    before.after !== after.after ||
    before.limit !== after.limit ||
    before.includeSpamTrash !== after.includeSpamTrash
  );
}

/**
 * Makes messages that could not be fetched due at once, as if they had never been tried. Forgets what stored messages
 * lack, so that it is asked for again where it is wanted.
 */
async function forgetAttempts({ tx, key }: MailboxTransaction): Promise<void> {
  await tx
    .updateTable('messages')
    .set({ state: 'pending', attempts: 0, last_error: null, next_attempt_at: 0 })
    .where('mailbox_key', '=', key)
    .where('lane', 'in', ['live', 'backfill'])
    .where('state', 'in', ['pending', 'failed'])
    .where('attempts', '>', 0)
    .execute();
  await tx
    .updateTable('messages')
    .set({ lacks: null, lane: null, attempts: 0, last_error: null, next_attempt_at: 0 })
    .where('mailbox_key', '=', key)
    .where('lacks', 'is not', null)
    .where('state', 'in', ['stored', 'excluded'])
    .execute();
}

/**
 * Whether any row has labels to compare. The labels come from a get, or, for a message that arrived outside the scope,
 * only from history.
 */
async function holdsMessages({ tx, key }: MailboxTransaction): Promise<boolean> {
  for (const state of ['stored', 'excluded', 'failed', 'pending']) {
    const ofState = tx
      .selectFrom('messages')
      .select('id')
      .where('mailbox_key', '=', key)
      .where('state', '=', state)
      .limit(1);
    const held = await (
      state === 'excluded' ? ofState : ofState.where('reading_history_id', 'is not', null)
    ).executeTakeFirst();
    if (held !== undefined) return true;
  }
  return false;
}

/** See {@link ListingStore.saveListingPage}. */
export function saveListingPage(
  database: StoreDatabase,
  request: RequestOf<ListingStore, 'saveListingPage'>,
): Promise<{ unknown: number }> {
  const { messages, position, generation, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    if (!(await saveStep(locked, generation, request.progress))) return { unknown: 0 };
    // A page that shifted while Gmail made it may name a message twice; one statement may write a row only once.
    const listed = [
      ...new Map(messages.map((message, index) => [message.id, { ...message, position: position + index }])).values(),
    ];
    const known = await countKnown(locked, listed);
    await writeListed(locked, listed, generation, now);
    return { unknown: listed.length - known };
  });
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
 * Writes the page in one statement. A row seen earlier in this generation keeps its position, however often the listing
 * is repeated. A listed tombstone becomes `pending`. Its `reading_history_id` is cleared, because the listing that did
 * not show it was wrong. The history id of its deletion stays, so that a get from before the deletion cannot bring it
 * back.
 */
async function writeListed(
  { tx, key }: MailboxTransaction,
  listed: readonly { id: MessageId; threadId: ThreadId; position: number }[],
  generation: number,
  now: number,
): Promise<void> {
  const wasGone = sql`messages.state = 'gone'`;
  const seen = sql`messages.listed_generation = excluded.listed_generation`;
  await bulkInsert(
    tx,
    {
      table: 'messages',
      columns: [...NEW_ROW_COLUMNS],
      key: ['mailbox_key', 'id'],
      onConflict: {
        name: 'listed',
        set: {
          position: sql`case when ${seen} then messages.position else excluded.position end`,
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
      position,
      position,
      generation,
      generation,
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
      unseen.map((message) => ({ ...message, position: 0 })),
      generation,
      now,
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

export async function forgetLabelListings({ tx, key }: MailboxTransaction): Promise<void> {
  await tx.deleteFrom('label_listings').where('mailbox_key', '=', key).execute();
}

/** See {@link ListingStore.saveProgress}. */
export function saveProgress(database: StoreDatabase, request: RequestOf<ListingStore, 'saveProgress'>): Promise<void> {
  return withMailbox(database, request.mailbox, async (locked) => {
    const saved = await saveStep(locked, request.generation, request.progress);
    if (saved && request.progress.step === 'done') await setScopeFloor(database, locked, request.progress.finishedAt);
  });
}

/**
 * Saves progress, unless it is of another generation, or leads back before the end of a listing that has ended. An
 * abandoned attempt may still be listing; a page that it saves after the end would undo what the end has decided.
 */
async function saveStep(locked: MailboxTransaction, generation: number, progress: FullSyncProgress): Promise<boolean> {
  const stored = parseFullSync(locked.columns);
  if (stored === null || generation !== locked.columns.generation || progress.generation !== generation) return false;
  const ended = stored.step === 'fetching' || stored.step === 'done';
  const isOver = progress.step === 'done' || (progress.step === 'fetching' && stored.step !== 'done');
  if (ended && !isOver) return false;
  const text = JSON.stringify(progress);
  if (text !== locked.columns.full_sync) await locked.updateMailbox({ full_sync: text });
  return true;
}

/** Whether this generation's listing is still under way. What an abandoned attempt brings after the end is ignored. */
export function isListingOf({ columns }: MailboxTransaction, generation: number): boolean {
  const stored = parseFullSync(columns);
  return stored !== null && generation === columns.generation && stored.step !== 'fetching' && stored.step !== 'done';
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
      // The state of a pending row whose body is held may be decided without another fetch.
      .where((eb) =>
        eb.or([
          eb('state', 'in', ['stored', 'excluded']),
          eb('state', 'in', ['pending', 'failed']).and('format', 'is not', null),
        ]),
      )
      .where('listed_generation', '=', query.generation)
      .orderBy('id')
      .limit(query.limit)
      .execute(),
  );
  return rows.map((row) => row.id as MessageId);
}
