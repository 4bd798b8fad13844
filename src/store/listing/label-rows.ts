import type { Kysely } from 'kysely';
import type { LabelStore } from './label-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Label } from '../../model/change.ts';
import type { LabelId, MailboxId, MessageId } from '../../model/ids.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import { GONE_LABEL, LABELS, OWN_TYPES } from '../rows/label-columns.ts';
import { keyOf, mailboxKey, rulesOf } from '../rows/mailbox-rows.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { fromColumns, parseLabelIds } from '../rows/message-columns.ts';
import { EXISTING_STATES, isDecided, sortedLabelIds, type MessageRow } from '../rules/message-row.ts';
import { loadRows, writeDifferences, type Difference } from '../rows/message-writer.ts';
import { readLabelsAgain } from '../rules/refresh-rules.ts';
import { followScope } from '../rules/row-scope.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { isListingOf } from './listing-progress.ts';

/** Rows per page while a label is taken off. */
const PAGE = 500;

/**
 * Shortest wait (ms) before Gmail is asked again about a label that labels.list does not name. The wait is as long as
 * the label has been missing, so each answer that the label exists doubles it.
 */
const FIRST_QUESTION = 60_000;
/**
 * Ms before a label that is named for the first time, or again, is listed. By then, history has reported the messages
 * that got the label since.
 */
const FIRST_LISTING = 2 * 60_000;

/**
 * Ms for which a gone label is remembered: changes that were under way when it was removed (replayed history, a get
 * from a lagging replica) may put it on messages again.
 */
const REMEMBERED = 2 * 24 * 60 * 60_000;

/** Since when a label is missing. A time to come was written by a wrong clock, and would hold back all that follows. */
const missingSince = (unlistedSince: number | null, now: number): number => Math.min(unlistedSince ?? now, now);

const restOf = (unlistedSince: number, now: number): number => Math.max(FIRST_QUESTION, now - unlistedSince);

/** See {@link LabelStore.saveLabels}. */
export function saveLabels(
  database: StoreDatabase,
  { mailbox, labels, now }: RequestOf<LabelStore, 'saveLabels'>,
): Promise<{
  changed: number;
  unlisted: readonly LabelId[];
  fresh: readonly LabelId[];
  passedOver: readonly LabelId[];
}> {
  return withMailbox(database, mailbox, async ({ tx, dialect, key }) => {
    const held = await heldLabels(tx, key);
    const { changed, missing, unlisted, fresh, passedOver } = compareLabels(held, labels, now);
    const before = new Map(held.map((label) => [label.id, label]));
    const listAt = ({ id }: Label): number | null => {
      const known = before.get(id);
      if (known === undefined) return held.length === 0 ? null : now + FIRST_LISTING;
      return known.unlisted_since === null ? known.ask_at : now + FIRST_LISTING;
    };
    await bulkInsert(
      tx,
      LABELS,
      changed.map((label) => [key, label.id, label.name, label.type, null, listAt(label)]),
    );
    if (missing.length > 0) {
      await tx
        .updateTable('labels')
        .set({ unlisted_since: now, ask_at: now })
        .where('mailbox_key', '=', key)
        .where(dialect.isOneOf('id', missing))
        .execute();
    }
    return { changed: changed.length, unlisted, fresh, passedOver };
  });
}

/** See {@link LabelStore.knowsLabels}. */
export function knowsLabels(
  database: StoreDatabase,
  { mailbox, labels, now }: RequestOf<LabelStore, 'knowsLabels'>,
): Promise<boolean> {
  return database.read(async (db) => {
    const held = await heldLabels(db, await keyOf(db, mailbox));
    const { changed, missing, unlisted, fresh } = compareLabels(held, labels, now);
    return [changed, missing, unlisted, fresh].every((found) => found.length === 0);
  });
}

type HeldLabel = Awaited<ReturnType<typeof heldLabels>>[number];

const heldLabels = (db: Kysely<Schema>, key: number) =>
  db
    .selectFrom('labels')
    .select(['id', 'name', 'type', 'unlisted_since', 'ask_at'])
    .where('mailbox_key', '=', key)
    .execute();

/**
 * How the labels that labels.list names differ from those that are held. `missing`: not named for the first time. The
 * others are those that {@link LabelStore.saveLabels} answers.
 */
function compareLabels(held: readonly HeldLabel[], labels: readonly Label[], now: number) {
  const before = new Map(held.map((label) => [label.id, label]));
  const after = new Map<string, Label>(labels.map((label) => [label.id, label]));
  const changed = [...after.values()].filter(({ id, name, type }) => {
    const known = before.get(id);
    return known?.name !== name || known.type !== type || known.unlisted_since !== null;
  });
  const unnamed = held.filter(({ id }) => !after.has(id));
  const missing = unnamed.filter((label) => label.unlisted_since === null).map(({ id }) => id);
  // A time further ahead than the longest wait was written by a wrong clock, so it is ignored.
  const waits = (askAt: number, longest: number): boolean => askAt > now && askAt <= now + longest;
  const unlisted = unnamed
    .filter(({ unlisted_since: since, ask_at: askAt }) => since === null || !waits(askAt ?? 0, restOf(since, now)))
    .map(({ id }) => id as LabelId);
  const fresh = held
    .filter(
      ({ id, unlisted_since: since, ask_at: askAt }) =>
        after.has(id) && since === null && askAt !== null && !waits(askAt, FIRST_LISTING),
    )
    .map(({ id }) => id as LabelId);
  const passedOver = unnamed.filter(({ type }) => OWN_TYPES.includes(type)).map(({ id }) => id as LabelId);
  return { changed, missing, unlisted, fresh, passedOver };
}

/** See {@link LabelStore.keepLabel}. */
export function keepLabel(
  database: StoreDatabase,
  { mailbox, labelId, now }: RequestOf<LabelStore, 'keepLabel'>,
): Promise<void> {
  return withMailbox(database, mailbox, async ({ tx, key }) => {
    const label = await tx
      .selectFrom('labels')
      .select(['type', 'unlisted_since'])
      .where('mailbox_key', '=', key)
      .where('id', '=', labelId)
      .executeTakeFirst();
    if (label === undefined) return;
    // A label that labels.list names has just been listed, and needs no more questions.
    const since = label.unlisted_since === null ? null : missingSince(label.unlisted_since, now);
    const next = since === null ? null : now + restOf(since, now);
    await tx
      .updateTable('labels')
      .set({ type: label.type === GONE_LABEL ? 'user' : label.type, unlisted_since: since, ask_at: next })
      .where('mailbox_key', '=', key)
      .where('id', '=', labelId)
      .execute();
  });
}

/** See {@link LabelStore.readAgainWithout}. */
export function readAgainWithout(
  database: StoreDatabase,
  request: RequestOf<LabelStore, 'readAgainWithout'>,
): Promise<void> {
  const { labelId, messageIds, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    const rows = [...(await loadRows(locked, messageIds)).values()];
    const lacking = rows.filter((row) => isDecided(row) && !row.labelIds.includes(labelId));
    await writeDifferences(
      locked,
      lacking.map((before) => ({ before, after: readLabelsAgain(before, now) })),
      now,
    );
  });
}

/**
 * See {@link LabelStore.removeLabel}. One transaction, page by page: each row that carries the label loses it, with an
 * entry in the change feed.
 */
export function removeLabel(
  database: StoreDatabase,
  { mailbox, labelId, now }: RequestOf<LabelStore, 'removeLabel'>,
): Promise<{ relabelled: number }> {
  return withMailbox(database, mailbox, async (locked) => {
    const { tx, key } = locked;
    await rememberGone(locked, labelId, now);
    await tx.deleteFrom('label_listings').where('mailbox_key', '=', key).where('label_id', '=', labelId).execute();
    const rules = rulesOf(locked.columns, now);
    const isListing = isListingOf(locked, locked.columns.generation);
    let relabelled = 0;
    for (let after = ''; ;) {
      const page = await nextCarriers(locked, labelId, after);
      const last = page.at(-1);
      if (last === undefined) return { relabelled };
      const differences: Difference[] = page
        .filter((row) => row.labelIds.includes(labelId))
        .map((before) => ({
          before,
          after: followed({ ...before, labelIds: before.labelIds.filter((id) => id !== labelId) }),
        }));
      relabelled += differences.length;
      await writeDifferences(locked, differences, now);
      after = last.id;
      await database.breathe();
    }

    /**
     * Only stored and excluded rows follow the scope. A row that waits for a get learns its labels from that get. While
     * a listing is under way, every row learns its labels at the listing's end; until then its labels may be long out
     * of date.
     */
    function followed(row: MessageRow): MessageRow {
      if (isListing) return row;
      return isDecided(row) ? followScope(row, rules, 'backfill') : row;
    }
  });
}

/**
 * Remembers a gone label and schedules further questions about it, ever more rarely, so that messages that got the
 * label since lose it as well.
 */
async function rememberGone({ tx, key }: MailboxTransaction, labelId: LabelId, now: number): Promise<void> {
  const label = await tx
    .selectFrom('labels')
    .select(['name', 'type', 'unlisted_since'])
    .where('mailbox_key', '=', key)
    .where('id', '=', labelId)
    .executeTakeFirst();
  const since = label?.type === GONE_LABEL ? missingSince(label.unlisted_since, now) : now;
  if (now - since > REMEMBERED)
    await tx.deleteFrom('labels').where('mailbox_key', '=', key).where('id', '=', labelId).execute();
  else
    await bulkInsert(tx, LABELS, [[key, labelId, label?.name ?? labelId, GONE_LABEL, since, now + restOf(since, now)]]);
}

async function nextCarriers(
  { tx, key }: MailboxTransaction,
  labelId: LabelId,
  after: string,
): Promise<readonly MessageRow[]> {
  // `_` and `%` in an id match rows that do not carry the label: the caller leaves those out.
  const rows = await tx
    .selectFrom('messages')
    .selectAll()
    .where('mailbox_key', '=', key)
    .where('id', '>', after)
    .where('label_ids', 'like', `%${JSON.stringify(labelId)}%`)
    .orderBy('id')
    .limit(PAGE)
    .execute();
  return rows.map(fromColumns);
}

/** See {@link LabelStore.heldLabelIds}. A mailbox has few distinct sets of labels, however many messages it has. */
export async function heldLabelIds(database: StoreDatabase, mailbox: MailboxId): Promise<readonly LabelId[]> {
  const key = await mailboxKey(database, mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select('label_ids')
      .distinct()
      .where('mailbox_key', '=', key)
      .where('state', 'in', EXISTING_STATES)
      .execute(),
  );
  return sortedLabelIds(rows.flatMap((row) => parseLabelIds(row.label_ids)));
}

/** See {@link LabelStore.labelsOf}. */
export async function labelsOf(
  database: StoreDatabase,
  { mailbox, messageIds }: RequestOf<LabelStore, 'labelsOf'>,
): Promise<ReadonlyMap<MessageId, readonly LabelId[]>> {
  const key = await mailboxKey(database, mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select(['id', 'label_ids'])
      .where('mailbox_key', '=', key)
      .where(database.dialect.isOneOf('id', messageIds))
      .execute(),
  );
  return new Map(rows.map((row) => [row.id as MessageId, parseLabelIds(row.label_ids)]));
}

/** See {@link LabelStore.getLabels}. In the order of ids. */
export async function getLabels(database: StoreDatabase, mailbox: MailboxId): Promise<readonly Label[]> {
  const key = await mailboxKey(database, mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('labels')
      .select(['id', 'name', 'type'])
      .where('mailbox_key', '=', key)
      .where('type', 'not in', OWN_TYPES)
      .orderBy('id')
      .execute(),
  );
  return rows.map((row) => ({
    id: row.id as LabelId,
    name: row.name,
    type: row.type === 'system' ? 'system' : 'user',
  }));
}
