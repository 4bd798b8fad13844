import type { FullSyncProgress } from '../store/rows/mailbox-row.ts';
import { confirmListing } from './confirm-listing.ts';
import { countDoubt, recheckAt } from './listing-doubt.ts';
import { fromTop, save, startOf, type Step, type Work } from './listing-work.ts';
import { limitReach } from './limit-reach.ts';
import { SETTLING_TIME } from './settling.ts';

/** How often a listing is repeated at once because it no longer shows what Gmail has. */
const MAX_REPEATS = 2;

/**
 * Ends the listing: confirms what the listings did not show, and updates the rows. The listing is repeated from its top
 * if Gmail counts more messages than it listed, or if those at the limit of the scope have left meanwhile. If rows
 * existed before, the repetition waits until the index and history have caught up with the head that it starts from.
 */
export async function endListing(work: Work, progress: Step<'confirming'>): Promise<FullSyncProgress> {
  const { deps, listing } = work;
  const { mailbox, settings, generation } = listing;
  const start = startOf(progress);
  const labels = progress.reconciling && settings.recovery === 'listings' ? 'compared' : 'unread';
  const mayRepeat = start.repeats < MAX_REPEATS;
  const verdict = await confirmListing({ ...work, ...start, labels, moved: progress.moved, mayRepeat });
  if (verdict.kind === 'repeat') return await repeat(work, progress);
  const { isOutdated = false, ...reach } = await limitReach(work, progress.startedAt);
  if (isOutdated && mayRepeat) return await repeat(work, progress);
  const { absence, doubtedLabels, unanswered, doubt } = verdict;
  // A first listing did not wait for the index, so a relisting follows. A reconciling listing has waited.
  const firstRelisting = progress.reconciling ? null : progress.startedAt + SETTLING_TIME;
  const relistAt = firstRelisting ?? (doubt === null ? null : recheckAt(doubt));
  await deps.store.finishListing({
    mailbox,
    generation,
    labels,
    confirmed: progress,
    absence,
    doubtedLabels,
    doubt,
    unanswered,
    keepNewest: settings.scope.limit,
    ...reach,
    relistAt,
    now: deps.clock.now(),
  });
  if (doubt !== null) countDoubt(deps, doubt);
  return { ...start, step: 'fetching' };
}

async function repeat(work: Work, progress: Step<'confirming'>): Promise<FullSyncProgress> {
  const { deps, session, run } = work;
  const start = startOf(progress);
  const { historyId: head } = await session.getProfile(run.signal);
  if (progress.reconciling) await deps.clock.sleep(SETTLING_TIME, run.signal);
  return await save(work, { ...start, repeats: start.repeats + 1, ...fromTop({ pass: 0, passHistoryId: head }) });
}
