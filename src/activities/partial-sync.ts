import type { GmailSession, HistoryPage } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { otherAddressOf } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import { olderHistoryId, type HistoryId, type MailboxId } from '../model/ids.ts';
import type { HistoryRecord } from '../model/change.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { MailboxAccounts } from '../store/mailboxes/mailbox-accounts.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { HistoryStore } from '../store/history/history-store.ts';
import { countsOf } from './counts.ts';
import { delayTo } from './delay.ts';
import { sessionFor, type ActivityDependencies, type ActivityRun } from './dependencies.ts';
import { fetchPending } from './fetch.ts';
import { followUnlisted, listFreshLabels, saveNamedLabels } from './follow-labels.ts';
import { historyPageAfter } from './history-page-after.ts';
import { followedMailbox } from './known-mailbox.ts';
import { laneDueAt } from './lane-due.ts';
import { refreshLabels } from './refresh.ts';
import type { PartialSyncRequest, PartialSyncResult, WatchResult } from './requests.ts';
import { settleEarlyReadings } from './settle-early-readings.ts';
import { remember, replayFrom, SETTLING_TIME } from './settling.ts';
import { keepWatch } from './watch.ts';

/** What following the history uses of the store. */
export type HistoryRoles = MailboxRegistry &
  MailboxAccounts &
  HistoryStore &
  FetchingStore &
  LabelStore &
  WorkStore &
  SpentUnits;

/** Units that one live activity may spend on fetching before it reports back. */
const LIVE_BUDGET = 30_000;

/**
 * Follows history from the mark to the mailbox's head. Each page and the mark that it reaches are saved in one
 * transaction. An attempt that dies at any point leaves a true mark, and everything that it found is durably pending.
 */
export function partialSync(
  deps: ActivityDependencies<HistoryRoles>,
  request: PartialSyncRequest,
  run: ActivityRun,
): Promise<PartialSyncResult> {
  return followHistory(deps, request, run, keepWatch);
}

/** Follows history as part of another activity: Gmail's watch stays as it is. */
export function followHistoryOnly(
  deps: ActivityDependencies<HistoryRoles>,
  request: PartialSyncRequest,
  run: ActivityRun,
): Promise<PartialSyncResult> {
  return followHistory(deps, request, run, async () => ({ watch: null, refusal: null, isSettled: false }));
}

async function followHistory(
  deps: ActivityDependencies<HistoryRoles>,
  request: PartialSyncRequest,
  run: ActivityRun,
  keep: typeof keepWatch,
): Promise<PartialSyncResult> {
  const { store, clock } = deps;
  const { mailbox } = request;
  // Later attempts may come hours after the look.
  const failedBefore = run.attempt === 1 ? request.failedBefore : undefined;
  await followedMailbox(deps, mailbox);
  const session = await deps.openSession({ mailbox, lane: 'live', failedBefore, ...sessionFor(request, run) });
  try {
    // Read again: opening the session may have found that the account has a new address.
    const row = await followedMailbox(deps, mailbox);
    await store.correctTimes({ mailbox, now: clock.now() });
    const saved = await saveNamedLabels(deps, session, mailbox, run);
    const { watch, refusal, isSettled } = await keep(deps, session, row, run);
    const { historyId, changed } = await applyHistory(deps, session, { row, request }, run);
    const fresh = await followUnlisted(deps, session, { mailbox, saved }, run);
    // Push promised a notification, and the change came without one: the account may have a new address.
    if (changed && watch !== null && request.pokedAt === undefined) await store.askForAccountSoon(mailbox);
    const since = clock.now();
    const fetched = await fetchPending(deps, session, { mailbox, lane: 'live', unitBudget: LIVE_BUDGET }, run);
    await settleEarlyReadings(deps, session, row, run);
    await listFreshLabels(deps, session, { mailbox, labels: fresh, since: historyId }, run);
    const refreshed = await refreshLabels(deps, session, mailbox, run);
    const now = clock.now();
    const renamedTo = otherAddressOf(mailbox, row.account);
    const more = !fetched.exhausted || !refreshed;
    // A sync that found nothing is not measured: history may lag behind the notification, and another sync follows.
    const brought = changed || fetched.fetched > 0;
    if (brought && !more) observeLag(deps, request, now);
    const times = {
      nextAttemptAt: await laneDueAt(store, { mailbox, lane: 'live', since, now }),
      failedAttemptAt: await backfillDueAt(deps, mailbox, now),
      settleAt: settleAt(changed, now),
    };
    return {
      ...(await countsOf(deps, mailbox)),
      historyId,
      changed,
      more,
      ...times,
      nextAttemptIn: delayTo(times.nextAttemptAt, now),
      failedAttemptIn: delayTo(times.failedAttemptAt, now),
      settleIn: delayTo(times.settleAt, now),
      watch: renamedTo === null ? reportedWatch(watch, now) : null,
      ...(renamedTo === null ? {} : { address: renamedTo }),
      ...(refusal === null ? {} : { watchRefusal: refusal }),
      ...(isSettled && row.watch?.retry != null ? { watchSettled: true as const } : {}),
    };
  } finally {
    await session.flush();
  }
}

/** Measures how long after its notification a change was stored. */
function observeLag(deps: ActivityDependencies<unknown>, { pokedAt }: PartialSyncRequest, now: number): void {
  if (pokedAt === undefined) return;
  const lag = now - aheadOfServer(deps) - pokedAt;
  deps.telemetry?.observe('tidemark_notification_lag_seconds', lag / 1_000, {});
}

/**
 * The watch as the result reports it to the workflow. For a renamed account no watch is reported, so that the mailbox
 * is polled as without push: Gmail's notifications name the account's new address, under which the mailbox is found
 * neither at once nor for certain.
 */
const reportedWatch = (watch: WatchResult | null, now: number): WatchResult | null =>
  watch === null ? null : { ...watch, renewIn: watch.renewAt - now, renewedAgo: now - watch.renewedAt };

interface Start {
  readonly row: MailboxRow & { readonly historyId: HistoryId };
  readonly request: PartialSyncRequest;
}

async function applyHistory(
  deps: ActivityDependencies<MailboxRegistry & HistoryStore>,
  session: GmailSession,
  { row, request }: Start,
  run: ActivityRun,
): Promise<{ historyId: HistoryId; changed: boolean }> {
  const { store, clock } = deps;
  const { mailbox } = request;
  // After a restore of either, the workflow and the store have different marks. History is replayed from the older one;
  // records that were applied before change nothing.
  const own = replayFrom(row, row.historyId);
  const start = request.historyId === null ? own : olderHistoryId(own, request.historyId);
  const first = await firstPage(session, start === own ? [own] : [start, own], clock, run);
  // The head as of the first page: all pages may come from one snapshot, and then later pages lack what came after it.
  const head = first.page.historyId;
  let page: HistoryPage = first.page;
  let changed = false;
  for (;;) {
    run.signal.throwIfAborted();
    const { nextPageToken } = page;
    const mark = nextPageToken === null ? head : lastButOne(page.records);
    const applied = await store.applyHistory({
      mailbox,
      generation: row.generation,
      records: page.records,
      mark,
      settle:
        nextPageToken === null
          ? remember(row.marks, { head, askedAt: first.askedAt, answeredAt: first.answeredAt })
          : null,
      settledBefore: first.start,
      now: clock.now(),
    });
    // A listing has begun or ended meanwhile and pinned its own mark. History is read again from there.
    if (applied === null) return { historyId: row.historyId, changed: true };
    changed ||= applied.changed;
    for (const change of ['added', 'deleted', 'relabelled', 'late'] as const) {
      if (applied[change] > 0) deps.telemetry?.add('tidemark_history_changes_total', applied[change], { change });
    }
    run.progress({ step: 'history', mark });
    if (nextPageToken === null) return { historyId: head, changed };
    page = await historyPageAfter(session, { startHistoryId: first.start, pageToken: nextPageToken }, run.signal);
  }
}

/**
 * The first page of history. When Gmail's history no longer reaches back to the workflow's older mark, the store's own
 * mark is tried. A 404 from the last start means a recovery, even if the newest mark is still in range, since records
 * that had not settled before that mark can no longer be read.
 */
async function firstPage(
  session: GmailSession,
  starts: readonly HistoryId[],
  clock: Clock,
  run: ActivityRun,
): Promise<{ start: HistoryId; page: HistoryPage; askedAt: number; answeredAt: number }> {
  const [start, ...newer] = starts;
  if (start === undefined) throw new Error('a partial sync starts from some mark');
  const askedAt = clock.now();
  try {
    const page = await session.listHistory({ startHistoryId: start, pageToken: null }, run.signal);
    return { start, page, askedAt, answeredAt: clock.now() };
  } catch (error) {
    if (newer.length > 0 && error instanceof GmailError && error.failure.kind === 'history-expired')
      return await firstPage(session, newer, clock, run);
    throw error;
  }
}

/**
 * The newest history id that is certainly complete. Records with one id may continue on the next page, so the page's
 * last id does not count.
 */
function lastButOne(records: readonly HistoryRecord[]): HistoryId | null {
  const last = records.at(-1)?.id;
  return records.findLast((record) => record.id !== last)?.id ?? null;
}

/**
 * When the backfill lane is due: for a failed message, or for the relisting. Until a backfill is complete, the
 * relisting does not count here: the backfill's slices make it, and a budget may hold the slices back.
 */
async function backfillDueAt(
  { store }: ActivityDependencies<MailboxRegistry & FetchingStore>,
  mailbox: MailboxId,
  now: number,
): Promise<number | null> {
  const failedAt = await store.nextAttemptAt({ mailbox, lane: 'backfill', now });
  const row = await store.getMailbox(mailbox);
  const relistAt = row?.fullSync?.step === 'done' ? row.relistAt : null;
  return failedAt === null || relistAt === null ? (failedAt ?? relistAt) : Math.min(failedAt, relistAt);
}

/** Ms that the activities' time, which is Google's, is ahead of the Temporal server's. */
const aheadOfServer = ({ skew }: Pick<ActivityDependencies<unknown>, 'skew'>): number =>
  (skew?.ahead('temporal') ?? 0) - (skew?.ahead('gmail') ?? 0);

/** When history is read once more after a change; null without a change. */
function settleAt(changed: boolean, now: number): number | null {
  return changed ? now + SETTLING_TIME + 1_000 : null;
}
