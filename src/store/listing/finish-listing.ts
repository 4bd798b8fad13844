import type { LabelId, MessageId } from '../../model/ids.ts';
import { listsSeveralLabels } from '../../model/settings.ts';
import { rowAfterListing, type EndedListing } from '../rules/listing-end-rules.ts';
import { forgetLabelListings } from './label-listings.ts';
import { countAsListedUnchanged } from './suspects.ts';
import { lastKnown, leftNothingOut } from './known-to-limit.ts';
import { hasEnded, isEarlier } from './listing-progress.ts';
import { listedLabels, nextMessageRows, ROWS_AT_A_TIME } from './listed-rows.ts';
import { toHistoryIdText } from '../engines/history-id-text.ts';
import { parseFullSync, parseSettings, rulesOf } from '../rows/mailbox-rows.ts';
import type { FinishListingRequest } from './listing-store.ts';
import type { FullSyncProgress, SettleMark } from '../rows/mailbox-row.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { DECIDED_STATES, sameLabelIds } from '../rules/message-row.ts';
import { FIRST_REFRESH_DELAY } from '../rules/refresh-rules.ts';
import type { RowRules } from '../rules/row-scope.ts';
import { removeRows, writeDifferences, type Difference } from '../rows/message-writer.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

const NOTHING = { gone: 0, relabelled: 0 } as const;

/**
 * See `ListingStore.finishListing`. One transaction over all rows of the mailbox, page by page. A repeated call does
 * nothing, because the step is past the listing. A second comparison, after the label listings are removed, would take
 * every label off.
 */
export function finishListing(
  database: StoreDatabase,
  request: FinishListingRequest,
): Promise<{ gone: number; relabelled: number }> {
  const {
    generation,
    labels,
    keepNewest,
    arrivedTo = -1,
    undatedTo = -1,
    limitedTo = null,
    isFloorBelow = false,
    relistAt = null,
    absence = 'proven',
    doubtedLabels = [],
    doubt = null,
    unanswered = [],
    confirmed,
    now,
  } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    const progress = parseFullSync(locked.columns);
    if (progress === null || generation !== locked.columns.generation) return NOTHING;
    if (hasEnded(progress) || isEarlier(confirmed, progress)) return NOTHING;
    const former = progress.isOtherScope === true || keepNewest === null ? null : locked.columns.scope_floor;
    // In the same transaction: an attempt that died after a separate call would find them listed, and never ask again.
    await countAsListedUnchanged(locked, generation, unanswered);

    const listing: EndedListing = {
      generation,
      startHistoryId: progress.startHistoryId,
      reconciling: progress.reconciling,
      labels,
      absence,
      isDoubted: doubt !== null,
      isOtherScope: progress.isOtherScope === true,
      doubtedLabels: new Set(doubtedLabels),
      lastPosition:
        keepNewest === null ? null : await lastWithin(locked, { generation, keepNewest, arrivedTo, former }),
      undatedTo,
      listedBefore: locked.columns.listed_generation,
    };
    const leavesOut = await isFull(locked, listing, keepNewest);
    const floor = former ?? (leavesOut ? limitedTo : null);
    if (labels === 'compared') await raiseReadingIds(locked, listing);
    const rules = rulesOf({ ...locked.columns, scope_floor: floor }, now);
    const counts = await endRows(database, locked, listing, rules);
    await readAgainSoon(locked, unanswered, now);
    await forgetLabelListings(locked);
    await locked.updateMailbox({
      ...ended(progress, generation, isFloorBelow),
      limit_reached: leavesOut || former !== null ? 1 : 0,
      scope_floor: floor,
      relist_at: relistAt,
      doubt: doubt === null ? null : JSON.stringify(doubt),
    });
    return counts;
  });
}

function ended(
  { generation, startHistoryId, startedAt, reconciling, earlyReadingsDue }: FullSyncProgress,
  listedGeneration: number,
  isFloorBelow: boolean,
) {
  const fetching: FullSyncProgress = {
    generation,
    startHistoryId,
    startedAt,
    reconciling,
    step: 'fetching',
    ...(earlyReadingsDue === undefined ? {} : { earlyReadingsDue }),
    ...(isFloorBelow ? { isFloorBelow } : {}),
  };
  // The mark is dated to when its history id was pinned, so that the next listing over these rows need not wait for the
  // index again.
  const marks: readonly SettleMark[] = [{ historyId: startHistoryId, at: startedAt }];
  return {
    history_id: toHistoryIdText(startHistoryId),
    marks: JSON.stringify(marks),
    full_sync: JSON.stringify(fetching),
    listed_generation: listedGeneration,
  };
}

async function readAgainSoon(
  { tx, dialect, key }: MailboxTransaction,
  ids: readonly MessageId[],
  now: number,
): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .updateTable('messages')
    .set({ refresh_at: now + FIRST_REFRESH_DELAY })
    .where('mailbox_key', '=', key)
    .where('state', 'in', DECIDED_STATES)
    .where(dialect.isOneOf('id', ids))
    .execute();
}

/**
 * How far down the listing the limit lets messages in. A known floor decides by dates alone: places that messages have
 * left would go to older ones.
 */
async function lastWithin(
  locked: MailboxTransaction,
  {
    generation,
    keepNewest,
    arrivedTo,
    former,
  }: Required<Pick<FinishListingRequest, 'generation' | 'arrivedTo'>> & {
    readonly keepNewest: number;
    readonly former: number | null;
  },
): Promise<number> {
  const { position } = await lastKnown(locked, generation);
  const isByDate = former !== null && isOneListing(locked);
  return Math.max(isByDate ? -1 : keepNewest - 1, arrivedTo, position);
}

const isOneListing = ({ columns }: MailboxTransaction): boolean => !listsSeveralLabels(parseSettings(columns).scope);

/**
 * Whether messages are left out: the listing showed some beyond the limit, or it fills the limit, so that each message
 * that it did not show lies beyond (of several labels, another may not be full). A scope that has never left anything
 * out goes on so: all that is more has arrived.
 */
async function isFull(
  locked: MailboxTransaction,
  { generation, lastPosition: within }: EndedListing,
  keepNewest: number | null,
): Promise<boolean> {
  if (within === null || keepNewest === null) return false;
  const last = await lastPosition(locked, generation);
  if (last > within) return true;
  return isOneListing(locked) && !leftNothingOut(locked.columns) && last >= keepNewest - 1;
}

async function lastPosition({ tx, key }: MailboxTransaction, generation: number): Promise<number> {
  const { position } = await tx
    .selectFrom('messages')
    .select((eb) => eb.fn.max('position').as('position'))
    .where('mailbox_key', '=', key)
    .where('listed_generation', '=', generation)
    .executeTakeFirstOrThrow();
  return position ?? -1;
}

/**
 * Raises `reading_history_id` of every compared row at once. Most rows differ in nothing else, and then need not be
 * written one by one.
 */
async function raiseReadingIds(
  { tx, key }: MailboxTransaction,
  { generation, startHistoryId }: EndedListing,
): Promise<void> {
  const id = toHistoryIdText(startHistoryId);
  await tx
    .updateTable('messages')
    .set({ reading_history_id: id })
    .where('mailbox_key', '=', key)
    .where('listed_generation', '=', generation)
    .where('state', '!=', 'gone')
    .where((eb) => eb.or([eb('history_id', 'is', null), eb('history_id', '<=', id)]))
    .where((eb) => eb.or([eb('reading_history_id', 'is', null), eb('reading_history_id', '<', id)]))
    .execute();
}

async function endRows(
  database: StoreDatabase,
  locked: MailboxTransaction,
  listing: EndedListing,
  rules: RowRules,
): Promise<{ gone: number; relabelled: number }> {
  const { now } = rules;
  let gone = 0;
  let relabelled = 0;
  for (let after = ''; ;) {
    const page = await nextMessageRows(locked.tx, locked.key, after);
    const last = page.at(-1);
    if (last === undefined) return { gone, relabelled };
    const labels =
      listing.labels === 'compared'
        ? await listedLabels({ db: locked.tx, key: locked.key, dialect: locked.dialect }, after, last.id)
        : new Map<string, readonly LabelId[]>();
    const differences: Difference[] = [];
    const removed: MessageId[] = [];
    for (const before of page) {
      const row = rowAfterListing(before, labels.get(before.id) ?? [], listing, rules);
      if (row === null) removed.push(before.id);
      if (row === null || row === before) continue;
      differences.push({ before, after: row });
      if (before.state === 'gone') continue;
      if (row.state === 'gone') gone += before.state === 'excluded' || row.goneBecause === 'excluded' ? 0 : 1;
      else if (!sameLabelIds(row.labelIds, before.labelIds) && row.state !== 'pending') relabelled += 1;
    }
    await writeDifferences(locked, differences, now);
    await removeRows(locked, removed, now);
    after = last.id;
    if (page.length === ROWS_AT_A_TIME) await database.breathe();
  }
}
