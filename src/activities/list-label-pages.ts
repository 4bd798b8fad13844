import { labelListing } from '../gmail/api/scope-listings.ts';
import type { FullSyncProgress } from '../store/rows/mailbox-row.ts';
import { labelsToList, listIds } from './list-ids.ts';
import { forgetLabel, MAX_PASSES, save, startOf, type Step, type Work } from './listing-work.ts';
import { SETTLING_TIME } from './settling.ts';
import { vanishedSince } from './vanished.ts';

/**
 * Ends a pass over the listings of the scope and of the labels. Listings that lost a message meanwhile are made again.
 * If a listing still showed a deleted message, history removes it.
 *
 * Why a clean pass misses nothing:
 * - Each page shows everything up to the mark, because it was requested after the index had caught up. So an existing
 *   message is skipped only if a page token shifted past it.
 * - A token shifts only if a message vanishes from the same listing between the pinned head and the end of the pass.
 *   The head is pinned a while before the pass, because the index may lose the message late.
 * - The record of that message is in the history that is read here, after records up to the end of the pass have
 *   settled.
 * - A listing of one page has no token.
 *
 * `confirmListing` checks whether Gmail listed everything that exists.
 */
async function endLabelPass(work: Work, progress: Step<'label-listing'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { pass, passHistoryId, paged = true } = progress;
  const start = startOf(progress);
  if (!paged) return await save(work, { ...start, step: 'confirming', pass });
  // This head is as new as the end of the pass. After the sleep, the index and history have caught up with it, so the
  // next pass can begin from it.
  const { historyId: head } = await session.getProfile(run.signal);
  await deps.clock.sleep(SETTLING_TIME, run.signal);
  const lost = await vanishedSince(session, { since: passHistoryId, until: head }, listing.settings.scope, run.signal);
  const remaining = labelsToList(listing.settings.scope, work.labelIds).filter(
    (id) => lost.fromAll || lost.fromLabels.has(id),
  );
  if ((!lost.fromScope && remaining.length === 0) || pass >= MAX_PASSES)
    return await save(work, { ...start, step: 'confirming', pass });
  const again = { ...start, pass: pass + 1, pageToken: null, passHistoryId: head, paged: false };
  if (!lost.fromScope) return await save(work, { ...again, step: 'label-listing', remaining });
  return await save(work, { ...again, step: 'listing', listing: 0, position: 0, labels: remaining });
}

/** Lists the ids of a label: 5 units per 500, whereas a get costs 20 units per message. */
export async function listLabelPage(work: Work, progress: Step<'label-listing'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { mailbox, generation, settings } = listing;
  const [label, ...remaining] = progress.remaining;
  if (label === undefined) return await endLabelPass(work, progress);
  const page = await listIds(
    session,
    { ...labelListing(settings.scope, label), pageToken: progress.pageToken },
    run.signal,
  );
  if (page === 'restart') return await save(work, { ...progress, pageToken: null });
  if (page === 'label-gone') {
    await forgetLabel(work, label);
    return await save(work, { ...progress, remaining, pageToken: null });
  }
  const next: FullSyncProgress =
    page.nextPageToken === null
      ? { ...progress, remaining, pageToken: null }
      : { ...progress, pageToken: page.nextPageToken, paged: true };
  // In a scope of all mail, everything that a label's listing shows is in scope, even if the scope's own listing left
  // it out.
  const isInScope = settings.scope.labelIds.length === 0;
  await deps.store.saveLabelListingPage({
    mailbox,
    generation,
    labelId: label,
    messages: page.messages,
    isInScope,
    progress: next,
    now: deps.clock.now(),
  });
  return next;
}
