import { listings } from '../gmail/api/scope-listings.ts';
import type { FullSyncProgress } from '../store/rows/mailbox-row.ts';
import { labelsToList, listIds } from './list-ids.ts';
import { forgetLabel, fromTop, MAX_PASSES, save, startOf, type Step, type Work } from './listing-work.ts';
import { vanishedSince } from './vanished.ts';

export async function listPage(work: Work, progress: Step<'listing'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run, isLimitDated } = work;
  const queries = listings(listing.settings.scope);
  const query = queries[progress.listing];
  if (query === undefined) return await endPass(work, progress);
  const page = await listIds(session, { ...query, pageToken: progress.pageToken }, run.signal);
  // The page token has expired (its lifetime is not documented): list from the top again, which is idempotent.
  if (page === 'restart') return await save(work, { ...progress, listing: 0, pageToken: null, position: 0 });
  const [label] = query.labelIds ?? [];
  if (page === 'label-gone') {
    await forgetLabel(work, label);
    return await save(work, { ...progress, listing: progress.listing + 1, pageToken: null, position: 0 });
  }
  const position = progress.position + page.messages.length;
  // After an expired history, all mail that has arrived since is within the limit: `lastArrival` finds where it ends.
  const endsAtLimit = !progress.reconciling && listing.pin === 'mark' && !isLimitDated;
  // At a limit the listing ends only after it has shown a message beyond: that proves that something is left out.
  const limitReached = endsAtLimit && position > (listing.settings.scope.limit ?? Number.POSITIVE_INFINITY);
  const more = page.nextPageToken !== null && !limitReached;
  const next: FullSyncProgress = more
    ? { ...progress, pageToken: page.nextPageToken, position, paged: true }
    : { ...progress, listing: progress.listing + 1, pageToken: null, position: 0 };
  const { mailbox, generation } = listing;
  // Saved first, with the progress unchanged: if the attempt dies before the next call, the page is listed again.
  if (label !== undefined)
    await deps.store.saveLabelListingPage({
      mailbox,
      generation,
      labelId: label,
      messages: page.messages,
      isInScope: false,
      progress,
      now: deps.clock.now(),
    });
  await deps.store.saveListingPage({
    mailbox,
    generation,
    messages: page.messages,
    position: progress.position,
    isOfLaterLabel: progress.listing > 0,
    progress: next,
    now: deps.clock.now(),
  });
  return next;
}

/**
 * Ends a pass over the scope's listing. If messages vanished from the listing meanwhile, page tokens may have shifted
 * past a message that is still there, so the pass is repeated. Messages that appeared meanwhile are in the history from
 * the mark. If labels are listed, too, `endLabelPass` makes this check for both.
 */
async function endPass(work: Work, progress: Step<'listing'>): Promise<FullSyncProgress> {
  const { session, listing, run, labelIds } = work;
  const start = startOf(progress);
  const { pass, passHistoryId } = progress;
  if (progress.reconciling && listing.settings.recovery === 'listings') {
    const { paged = false } = progress;
    const remaining = progress.labels ?? labelsToList(listing.settings.scope, labelIds);
    return await save(work, {
      ...start,
      step: 'label-listing',
      pass,
      remaining,
      pageToken: null,
      passHistoryId,
      paged,
    });
  }
  const since = await vanishedSince(session, { since: passHistoryId }, listing.settings.scope, run.signal);
  if (since.fromScope && progress.pass < MAX_PASSES) {
    return await save(work, { ...progress, ...fromTop({ pass: progress.pass + 1, passHistoryId: since.head }) });
  }
  if (progress.reconciling) return await save(work, { ...start, step: 'reading-labels', pass, after: null });
  const isOnlyPass = passHistoryId === progress.startHistoryId;
  return await save(work, {
    ...start,
    step: 'confirming',
    pass,
    ...(isOnlyPass && since.isWhole ? { moved: since.moved } : {}),
  });
}
