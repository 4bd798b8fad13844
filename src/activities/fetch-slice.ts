import type { MailboxId } from '../model/ids.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import type { ListingStore } from '../store/listing/listing-store.ts';
import { countsOf } from './counts.ts';
import { delayTo } from './delay.ts';
import { dayPart } from './daily-budget.ts';
import { sessionFor, type ActivityDependencies, type ActivityRun } from './dependencies.ts';
import { fetchPending } from './fetch.ts';
import { knownMailbox } from './known-mailbox.ts';
import { laneDueAt } from './lane-due.ts';
import { relist } from './relist.ts';
import type { FetchSliceRequest, FetchSliceResult } from './requests.ts';
import { SliceBudgets } from './slice-budgets.ts';

type SliceRoles = MailboxRegistry & FetchingStore & WorkStore & SpentUnits & ListingStore;

/** Makes the activity of one worker, whose slices share their budgets. */
export function createFetchSlice(): typeof fetchSlice {
  const budgets = new SliceBudgets();
  return (deps, request, run) => fetchSlice(deps, request, run, budgets);
}

/** One slice of a backfill: pending messages, newest first. */
export async function fetchSlice(
  deps: ActivityDependencies<SliceRoles>,
  request: FetchSliceRequest,
  run: ActivityRun,
  budgets = new SliceBudgets(),
): Promise<FetchSliceResult> {
  const { mailbox } = request;
  const row = await knownMailbox(deps, mailbox);
  const session = await deps.openSession({ mailbox, lane: 'backfill', ...sessionFor(request, run) });
  if (request.retry !== undefined) await deps.store.retryFailed({ mailbox, now: deps.clock.now() });
  const retried = request.retry === undefined ? {} : { retried: request.retry };
  await deps.store.correctTimes({ mailbox, now: deps.clock.now() });
  const day = await dayPart(deps);
  if (day.units === 0)
    return { ...heldBack(await progressOf(deps, row), day.until, deps.clock.now()), fetched: 0, ...retried };
  const isSmall = request.isSmall === true;
  const spentBefore = session.unitsSpent();
  try {
    const fetch = { mailbox, unitBudget: Math.min(budgets.begin({ isSmall, ...deps }), day.units) };
    const { fetched, exhausted } = await fetchPending(deps, session, { ...fetch, lane: 'backfill' }, run);
    // The last step of a first full sync is the relisting. Messages that it finds are fetched at once.
    const { late, isDoubted } = exhausted ? await relist(deps, session, row, run) : { late: 0, isDoubted: false };
    if (late > 0) await fetchPending(deps, session, { ...fetch, lane: 'live' }, run);
    return {
      ...(await progressOf(deps, row)),
      fetched: fetched + late,
      ...retried,
      ...(isDoubted ? { isDoubted } : {}),
    };
  } finally {
    if (isSmall) budgets.smallEnded(session.unitsSpent() - spentBefore, deps);
    await session.flush();
  }
}

/** Puts due work off to the next day. Only an unfinished backfill is shown as held back. */
function heldBack(progress: Progress, until: number, now: number): Progress {
  const next = progress.nextAttemptAt === null ? null : Math.max(progress.nextAttemptAt, until);
  return {
    ...progress,
    nextAttemptAt: next,
    nextAttemptIn: delayTo(next, now),
    ...(progress.complete ? {} : { heldUntil: until, heldFor: until - now }),
  };
}

type Progress = Omit<FetchSliceResult, 'fetched' | 'retried' | 'isDoubted'>;

async function progressOf(
  deps: ActivityDependencies<SliceRoles>,
  { id: mailbox, generation }: MailboxRow,
): Promise<Progress> {
  const { store, clock } = deps;
  const now = clock.now();
  const counted = await store.countProgress(mailbox);
  const row = await store.getMailbox(mailbox);
  const complete = !counted.isBackfilling;
  if (complete && row?.generation === generation && row.fullSync?.step === 'fetching') {
    await store.saveProgress({ mailbox, generation, progress: { ...row.fullSync, step: 'done', finishedAt: now } });
  }
  const due = await nextAttemptAt(store, { mailbox, now, relistAt: row?.relistAt ?? null });
  // If the live lane takes the last rows between two of these reads, this lane looks once more.
  const next = due ?? (complete ? null : now);
  return {
    ...(await countsOf(deps, mailbox, counted)),
    generation,
    complete,
    nextAttemptAt: next,
    nextAttemptIn: delayTo(next, now),
  };
}

/**
 * When the lane has work again: at once while rows are due (the budget ended), otherwise at the next attempt or at the
 * relisting.
 */
async function nextAttemptAt(
  store: FetchingStore,
  { mailbox, now, relistAt }: { mailbox: MailboxId; now: number; relistAt: number | null },
): Promise<number | null> {
  const times = [await laneDueAt(store, { mailbox, lane: 'backfill', since: now, now }), relistAt].filter(
    (time) => time !== null,
  );
  return times.length === 0 ? null : Math.min(...times);
}
