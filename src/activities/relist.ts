import type { GmailSession, MessagePage } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { listings } from '../gmail/api/scope-listings.ts';
import type { HistoryId, LabelId, MessageId } from '../model/ids.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import { countDoubt, isCountDecided, nextDoubt, recheckAt } from './listing-doubt.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { pagesOf } from './list-ids.ts';
import { RelistingLimit } from './relisting-limit.ts';
import { compareTotals, type Totals } from './listing-totals.ts';
import { settledMark } from './settling.ts';
import { vanishedSince, type Vanished } from './vanished.ts';

/**
 * `late`: how many messages had not been listed before. `isDoubted`: the whole listing is to be made again, because
 * what it did not show is in doubt.
 */
export interface Relisting {
  readonly late: number;
  readonly isDoubted: boolean;
}

const NOTHING_CHANGED = { entered: new Set<MessageId>(), left: new Set<MessageId>() };

/** Ms until the next look at whether the messages that hold up a whole listing have been read. */
const HELD_UP = 60_000;

const NOT_DUE: Relisting = { late: 0, isDoubted: false };

/**
 * Makes the relisting where it is due. After a first listing, it lists everything once more (5 units per 500 ids).
 * Gmail's list index lags: the first listing may have missed a message that is older than the mark, which history does
 * not mention. The newest page is not enough, since a message imported just before the listing has whatever date its
 * sender gave it.
 *
 * Listing twice changes nothing, so after a crash the relisting simply begins again. While Gmail counts more messages
 * than it lists, another one follows later, ever more rarely.
 */
export async function relist(
  deps: ActivityDependencies<MailboxRegistry & FetchingStore & WorkStore>,
  session: GmailSession,
  row: MailboxRow,
  run: ActivityRun,
): Promise<Relisting> {
  const { store, clock } = deps;
  const { doubt, generation } = row;
  if (row.relistAt === null || row.relistAt > clock.now()) return NOT_DUE;
  if (doubt !== null && (doubt.absent + doubt.relabelled > 0 || doubt.underLabels !== undefined)) {
    // A whole listing begins when no message is pending any more. Until then it is put off: if it stayed due, slices
    // and partial syncs would follow each other without a pause.
    if (!(await store.countProgress(row.id)).isBackfilling) return { late: 0, isDoubted: true };
    await store.setRelistAt({ mailbox: row.id, generation, relistAt: clock.now() + HELD_UP });
    return NOT_DUE;
  }
  const since = settledMark(row, clock.now())?.historyId ?? null;
  const { late, totals } = await listUntilWhole(deps, session, { row, since }, run);
  if (totals === null || isCountDecided(totals, doubt)) {
    // If the live lane has doubted a label meanwhile, this listing stays due, and the next slice decides.
    await store.saveDoubt({ mailbox: row.id, generation, replaces: doubt, doubt: null, relistAt: null });
    return { late, isDoubted: false };
  }
  const doubted = nextDoubt(doubt, { uncounted: totals.uncounted, absent: 0, relabelled: 0 }, clock.now());
  const save = { mailbox: row.id, generation, replaces: doubt, doubt: doubted, relistAt: recheckAt(doubted) };
  if (await store.saveDoubt(save)) countDoubt(deps, doubted);
  return { late, isDoubted: false };
}

/**
 * Lists everything, and compares it with Gmail's count; null where that cannot be compared. Everything is listed again
 * if pages may have shifted, so that a message may be in neither the first listing nor this one, and if this listing
 * brought messages, or no count will show what is missing.
 */
async function listUntilWhole(
  deps: ActivityDependencies<MailboxRegistry & FetchingStore>,
  session: GmailSession,
  { row, since }: { row: MailboxRow; since: HistoryId | null },
  run: ActivityRun,
): Promise<{ readonly late: number; readonly totals: Totals | null }> {
  const { scope } = row.settings;
  const isCounted = scope.limit === null && scope.after === null;
  let { late, counts } = await listAgain(deps, session, { row, since }, run);
  if (since !== null && (late > 0 || !isCounted)) {
    // Pages shift when the index drops a message, which may be some time after history has reported it. Records since
    // `since` include that one.
    const { fromScope, isWhole } = await vanishedSince(session, { since }, scope, run.signal);
    if (fromScope || !isWhole) {
      const again = await listAgain(deps, session, { row, since }, run);
      late += again.late;
      counts = again.counts;
    }
  }
  if (scope.limit !== null || since === null) return { late, totals: null };
  return { late, totals: await compareTotals({ session, scope, counts, since, signal: run.signal }) };
}

async function listAgain(
  { store, clock }: ActivityDependencies<MailboxRegistry & FetchingStore>,
  session: GmailSession,
  { row, since }: { row: MailboxRow; since: HistoryId | null },
  run: ActivityRun,
) {
  let late = 0;
  // A page that moved while the listing went on, or that is listed again, shows a message twice. Counted twice, the
  // message would make up for another that the listing left out.
  const messages = new Set<MessageId>();
  const labels = new Map<LabelId, Set<MessageId>>();
  const { id: mailbox, settings } = row;
  const add = async (listed: MessagePage['messages'], isAdmitted = true): Promise<void> => {
    if (listed.length > 0)
      late += (await store.addListedLate({ mailbox, messages: listed, since, isAdmitted, now: clock.now() })).unknown;
    run.progress({ step: 'relisting', late });
  };
  const nextLimit = await limitsOf(session, { row, since }, run.signal);
  for (const query of listings(settings.scope)) {
    const limit = nextLimit();
    for await (const page of pagesOf(session, query, run.signal)) {
      for (const { id } of page) messages.add(id);
      for (const label of query.labelIds ?? []) {
        const under = labels.get(label) ?? new Set();
        for (const { id } of page) under.add(id);
        labels.set(label, under);
      }
      await add(
        limit === null
          ? page
          : limit.take(page, await store.admissionsOf({ mailbox, messageIds: page.map(({ id }) => id) })),
      );
      if (limit?.leavesOut === true) break;
    }
    if (limit === null) continue;
    if (limit.isOpen) {
      const { within, byDate } = limit.end(
        await placesLeft(store, session, { row, since, lastShown: limit.lastAdmitted }, run.signal),
      );
      await add(within);
      await add(byDate, false);
    }
    // The first listing may have seemed to show less than the limit because Gmail left messages out.
    if (limit.leavesOut) await store.noteLimitReached({ mailbox, generation: row.generation, now: clock.now() });
  }
  return {
    late,
    counts: { messages: messages.size, labels: new Map([...labels].map(([label, under]) => [label, under.size])) },
  };
}

/** Returns a function that makes a {@link RelistingLimit} for each listing, or null in a scope without a limit. */
async function limitsOf(
  session: GmailSession,
  work: { row: MailboxRow; since: HistoryId | null },
  signal: AbortSignal,
): Promise<() => RelistingLimit | null> {
  const { limit } = work.row.settings.scope;
  if (limit === null) return () => null;
  const { entered } = await changedSinceListing(session, work, signal);
  return () => new RelistingLimit(limit, entered);
}

/**
 * What has entered and left the scope since the first listing, whose places the limit goes by. It may be long ago: this
 * listing is put off while Gmail refuses it. If history no longer goes back so far, what has changed since the mark.
 */
async function changedSinceListing(
  session: GmailSession,
  { row: { settings, fullSync }, since }: { row: MailboxRow; since: HistoryId | null },
  signal: AbortSignal,
): Promise<Pick<Vanished, 'entered' | 'left'>> {
  if (since === null) return NOTHING_CHANGED;
  const listed = fullSync?.startHistoryId ?? since;
  try {
    return await vanishedSince(session, { since: listed }, settings.scope, signal);
  } catch (error) {
    const isExpired = error instanceof GmailError && error.failure.kind === 'history-expired';
    if (!isExpired || listed === since) throw error;
    return await vanishedSince(session, { since }, settings.scope, signal);
  }
}

/**
 * How many messages within the limit have left the scope since the first listing, as far as they can be counted. In a
 * scope of several labels, it is not known within which label's limit they were, so each label is listed down to its
 * limit.
 */
async function placesLeft(
  store: FetchingStore,
  session: GmailSession,
  { lastShown, ...work }: { row: MailboxRow; since: HistoryId | null; lastShown: MessageId | null },
  signal: AbortSignal,
): Promise<number> {
  const { id: mailbox, settings } = work.row;
  if (settings.scope.labelIds.length > 1) return 0;
  const { left } = await changedSinceListing(session, work, signal);
  return await store.countPlacesLeft({ mailbox, left: [...left], lastShown });
}
