import type { FetchedMessage } from '../../model/change.ts';
import { compareHistoryIds, type LabelId, type MessageId } from '../../model/ids.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import { LABEL_LISTINGS } from './label-listings.ts';
import { isListingOf } from './listing-progress.ts';
import { fromHistoryIdText } from '../engines/history-id-text.ts';
import { listedLabels, nextMessageRows } from './listed-rows.ts';
import { keyOf, mailboxColumns, parseFullSync, rulesOf } from '../rows/mailbox-rows.ts';
import type { AbsentQuery, ListedCounts, Suspects } from './listing-store.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import type { MessageRow } from '../rules/message-row.ts';
import { isInScope, type RowRules } from '../rules/row-scope.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** How many suspects are named. More of them cannot sensibly be confirmed by gets. */
const MOST_NAMED = 10_000;

/**
 * See `ListingStore.findSuspects`. Works page by page, to bound memory and let the process's other work run.
 */
export async function findSuspects(
  database: StoreDatabase,
  request: AbsentQuery & { labels: 'compared' | 'unread'; listedBefore: number | null },
): Promise<Suspects> {
  const columns = await database.read((db) => mailboxColumns(db, request.mailbox));
  const progress = parseFullSync(columns);
  const losing = new Map<LabelId, number>();
  const messageIds: MessageId[] = [];
  const found = { absent: 0, absentBefore: 0, relabelled: 0 };
  if (progress === null || progress.generation !== request.generation) return { ...found, losing, messageIds };
  const { key } = columns;
  const since = progress.startHistoryId;
  const rules = rulesOf(columns, 0);
  const mark = fromHistoryIdText(columns.history_id);
  const leaps = mark !== null && compareHistoryIds(since, mark) > 0;
  for (let after = ''; ;) {
    const page = await database.read((db) => nextMessageRows(db, key, after));
    const last = page.at(-1);
    if (last === undefined) return { ...found, losing, messageIds };
    const from = after;
    const labels =
      request.labels === 'compared'
        ? await database.read((db) => listedLabels({ db, key, dialect: database.dialect }, from, last.id))
        : null;
    for (const row of page) {
      if (row.historyId !== null && compareHistoryIds(row.historyId, since) > 0) continue;
      const lost =
        labels === null || row.listedGeneration !== request.generation ? [] : lostLabels(row, labels.get(row.id) ?? []);
      const isAbsent = row.listedGeneration !== request.generation && shouldBeListed(row, rules, leaps);
      if (!isAbsent && lost.length === 0) continue;
      if (isAbsent) found.absent += 1;
      if (
        isAbsent &&
        request.listedBefore !== null &&
        row.listedGeneration < columns.listed_generation &&
        row.discoveredAt <= request.listedBefore
      )
        found.absentBefore += 1;
      if (lost.length > 0) found.relabelled += 1;
      for (const label of lost) losing.set(label, (losing.get(label) ?? 0) + 1);
      if (messageIds.length < MOST_NAMED) messageIds.push(row.id);
    }
    after = last.id;
    await database.breathe();
  }
}

/**
 * Whether the listing should have shown this message. `gone` and `excluded` messages need not be listed, nor messages
 * that today's settings leave out. If the listing leaps over history that has not been read, the held labels may be out
 * of date, and only the date, which never changes, decides.
 */
function shouldBeListed(row: MessageRow, rules: RowRules, leaps: boolean): boolean {
  if (row.state === 'gone' || row.state === 'excluded') return false;
  if (row.readingHistoryId === null) return true;
  return leaps
    ? isInScope(row, { ...rules, scope: { ...rules.scope, labelIds: [], includeSpamTrash: true } })
    : isInScope(row, rules);
}

function lostLabels(row: MessageRow, listed: readonly LabelId[]): readonly LabelId[] {
  if (row.state === 'gone') return [];
  return row.labelIds.filter((label) => !listed.includes(label));
}

/** See `ListingStore.countListed`. */
export async function countListed(
  database: StoreDatabase,
  { mailbox, generation }: AbsentQuery,
): Promise<ListedCounts> {
  return database.read(async (db) => {
    const key = await keyOf(db, mailbox);
    const { messages } = await db
      .selectFrom('messages')
      .select((eb) => eb.fn.countAll<number>().as('messages'))
      .where('mailbox_key', '=', key)
      .where('listed_generation', '=', generation)
      .executeTakeFirstOrThrow();
    const labels = await db
      .selectFrom('label_listings')
      .select(['label_id', (eb) => eb.fn.countAll<number>().as('messages')])
      .where('mailbox_key', '=', key)
      .groupBy('label_id')
      .execute();
    return { messages, labels: new Map(labels.map((label) => [label.label_id as LabelId, label.messages])) };
  });
}

/**
 * See `ListingStore.correctListing`. The end of the listing compares rows with what the listings showed, so the answers
 * of gets replace what the listings showed.
 */
export function correctListing(
  database: StoreDatabase,
  request: AbsentQuery & { fetched: readonly ListedLabels[] },
): Promise<{ listed: ReadonlyMap<MessageId, readonly LabelId[]> }> {
  const { mailbox, generation, fetched } = request;
  return withMailbox(database, mailbox, async (locked) => {
    const ids = fetched.map(({ id }) => id);
    if (ids.length === 0 || !isListingOf(locked, generation)) return { listed: new Map() };
    const listed = await listedBefore(locked, ids, generation);
    await countAsListed(locked, generation, fetched);
    return { listed };
  });
}

/** A message, and the labels whose listings show it. */
type ListedLabels = Pick<FetchedMessage, 'id' | 'labelIds'>;

/** Lets messages whose gets were inconclusive count as listed under the labels of their rows. */
export async function countAsListedUnchanged(
  locked: MailboxTransaction,
  generation: number,
  ids: readonly MessageId[],
): Promise<void> {
  if (ids.length > 0) await countAsListed(locked, generation, await heldLabelsOf(locked, ids));
}

async function countAsListed(
  { tx, dialect, key }: MailboxTransaction,
  generation: number,
  messages: readonly ListedLabels[],
): Promise<void> {
  const ids = messages.map(({ id }) => id);
  if (ids.length === 0) return;
  await tx
    .deleteFrom('label_listings')
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOf('message_id', ids))
    .execute();
  await bulkInsert(
    tx,
    LABEL_LISTINGS,
    messages.flatMap(({ id, labelIds }) => [...new Set(labelIds)].map((label) => [key, id, label])),
  );
  await tx
    .updateTable('messages')
    // A message that no listing showed has no position in this listing: a position from an earlier listing would be
    // mistaken for it.
    .set((eb) => ({
      listed_generation: generation,
      position: eb.case().when('listed_generation', '=', generation).then(eb.ref('position')).else(null).end(),
    }))
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOf('id', ids))
    .execute();
}

async function listedBefore(
  { tx, dialect, key }: MailboxTransaction,
  ids: readonly MessageId[],
  generation: number,
): Promise<ReadonlyMap<MessageId, readonly LabelId[]>> {
  const rows = await tx
    .selectFrom('messages')
    .select('id')
    .where('mailbox_key', '=', key)
    .where('listed_generation', '=', generation)
    .where(dialect.isOneOf('id', ids))
    .execute();
  const labels = await tx
    .selectFrom('label_listings')
    .select(['message_id', 'label_id'])
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOf('message_id', ids))
    .execute();
  const listed = new Map<MessageId, LabelId[]>(rows.map((row) => [row.id as MessageId, []]));
  for (const { message_id: id, label_id: label } of labels) listed.get(id as MessageId)?.push(label as LabelId);
  return listed;
}

async function heldLabelsOf(
  { tx, dialect, key }: MailboxTransaction,
  ids: readonly MessageId[],
): Promise<readonly Pick<FetchedMessage, 'id' | 'labelIds'>[]> {
  const rows = await tx
    .selectFrom('messages')
    .select(['id', 'label_ids'])
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOf('id', ids))
    .execute();
  return rows.map((row) => ({ id: row.id as MessageId, labelIds: JSON.parse(row.label_ids) as LabelId[] }));
}
