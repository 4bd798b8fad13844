import { MAX_BATCH, type GmailSession } from '../gmail/api/gmail-api.ts';
import { labelListing, listings } from '../gmail/api/scope-listings.ts';
import type { HistoryId, LabelId } from '../model/ids.ts';
import type { FullSyncProgress, MailboxRow, SettleMark } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { ListingStore } from '../store/listing/listing-store.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import { confirmListing, countDoubt, recheckAt } from './confirm-listing.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { knownMailbox } from './known-mailbox.ts';
import { labelsToList, listIds } from './list-ids.ts';
import { readLabels } from './refresh.ts';
import { requireKnownLabels } from './require-labels.ts';
import { settledMark, SETTLING_TIME, untilSettled } from './settling.ts';
import { vanishedSince } from './vanished.ts';
import type { Listing } from './listing-request.ts';

/** What a listing uses of the store. */
export type ListingRoles = MailboxRegistry & ListingStore & LabelStore & FetchingStore;

/**
 * How often a pass over the listing is repeated at most. It is repeated while messages vanish from the listing, because
 * page tokens may then shift and skip a message.
 */
const MAX_PASSES = 5;

/**
 * Makes the listing of one generation, and uses it to correct the rows that were stored before. Every step saves its
 * progress with its rows, so that an attempt after a crash continues from the last page. Listing a page twice changes
 * nothing.
 *
 * The mark is the mailbox's head *before* the listing: every change during the listing is in the history that is
 * replayed from the mark. (Google's guide takes the first listed message's historyId. On a quiet mailbox that id may
 * have expired, and the sync loops in 404 forever.)
 *
 * @returns the mark, or null when a newer generation has begun
 */
export async function makeListing(
  deps: ActivityDependencies<ListingRoles>,
  session: GmailSession,
  listing: Listing,
  run: ActivityRun,
): Promise<HistoryId | null> {
  const { store, clock } = deps;
  const { mailbox } = listing;
  let progress = await begin(deps, session, listing, run);
  if (progress === null) return null;
  // Gmail's list index lags, as its history does. After this wait the index shows everything up to the mark, so the
  // absence of an id or of a label is a fact.
  if (progress.reconciling) await clock.sleep(untilSettled(progress.startedAt, clock.now()), run.signal);
  // Read after the mark was pinned: every use of a label that is made later is in the history from the mark.
  const labels = await session.listLabels(run.signal);
  await store.saveLabels({ mailbox, labels, now: clock.now() });
  const work: Work = {
    deps,
    session,
    listing,
    run,
    labelIds: await carriedLabels(
      deps,
      listing,
      labels.map(({ id }) => id),
    ),
  };

  while (
    progress.step === 'listing' ||
    progress.step === 'label-listing' ||
    progress.step === 'reading-labels' ||
    progress.step === 'confirming'
  ) {
    run.signal.throwIfAborted();
    run.progress({ step: progress.step, listed: progress.step === 'listing' ? progress.position : null });
    switch (progress.step) {
      case 'listing':
        progress = await listPage(work, progress);
        break;
      case 'label-listing':
        progress = await listLabelPage(work, progress);
        break;
      case 'reading-labels':
        progress = await readNextLabels(work, progress);
        break;
      case 'confirming':
        progress = await endListing(work, progress);
    }
  }
  return progress.startHistoryId;
}

/**
 * Messages may carry a label that labels.list leaves out. So labels that were known before, and labels that rows hold,
 * are listed, too; otherwise a recovery would take them off the rows.
 */
async function carriedLabels(
  { store }: ActivityDependencies<LabelStore>,
  { mailbox }: Listing,
  named: readonly LabelId[],
): Promise<readonly LabelId[]> {
  const known = (await store.getLabels(mailbox)).map(({ id }) => id);
  return [...new Set([...named, ...known, ...(await store.heldLabelIds(mailbox))])];
}

interface Work {
  readonly deps: ActivityDependencies<ListingRoles>;
  readonly session: GmailSession;
  readonly listing: Listing;
  readonly run: ActivityRun;
  /** The labels that Gmail names, and those that messages carry. */
  readonly labelIds: readonly LabelId[];
}

type Step<Name extends FullSyncProgress['step']> = Extract<FullSyncProgress, { step: Name }>;

/**
 * The generation's progress: what an earlier attempt saved, or new progress with its mark pinned before anything is
 * listed. A stored mark that has settled can serve as the mark. History is then replayed from there, and because it is
 * older than the head, there is no wait for the index.
 */
async function begin(
  deps: ActivityDependencies<MailboxRegistry & ListingStore & LabelStore>,
  session: GmailSession,
  listing: Listing,
  run: ActivityRun,
): Promise<FullSyncProgress | null> {
  const { mailbox, settings, generation } = listing;
  const row = await knownMailbox(deps, mailbox);
  if (row.fullSync?.generation === generation) return row.fullSync;
  await requireKnownLabels(deps.store, session, { row, settings, signal: run.signal });
  const pinned = await pin(deps, session, row, listing, run);
  return await deps.store.beginFullSync({
    mailbox,
    generation,
    startHistoryId: pinned.historyId,
    settings,
    now: pinned.at,
  });
}

async function pin(
  { clock }: Pick<ActivityDependencies<unknown>, 'clock'>,
  session: GmailSession,
  row: MailboxRow | null,
  listing: Listing,
  run: ActivityRun,
): Promise<SettleMark> {
  const mark = listing.pin === 'mark' && row !== null ? settledMark(row, clock.now()) : null;
  if (mark !== null) return mark;
  const { historyId } = await session.getProfile(run.signal);
  // The time of the answer, because the call may have waited long, and the head is as new as the answer.
  return { historyId, at: clock.now() };
}

async function listPage(work: Work, progress: Step<'listing'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const queries = listings(listing.settings.scope);
  const query = queries[progress.listing];
  if (query === undefined) return await endPass(work, progress);
  const page = await listIds(session, { ...query, pageToken: progress.pageToken }, run.signal);
  // The page token has expired (its lifetime is not documented): list from the top again, which is idempotent.
  if (page === 'restart') return await save(work, { ...progress, listing: 0, pageToken: null, position: 0 });
  const [label] = query.labelIds ?? [];
  if (page === 'label-gone') {
    await forgetLabel(work, label);
    return await save(work, { ...progress, listing: progress.listing + 1, pageToken: null });
  }
  const position = progress.position + page.messages.length;
  const limitReached =
    listing.settings.scope.limit !== null && !progress.reconciling && position >= listing.settings.scope.limit;
  const more = page.nextPageToken !== null && !limitReached;
  const next: FullSyncProgress = more
    ? { ...progress, pageToken: page.nextPageToken, position, paged: true }
    : { ...progress, listing: progress.listing + 1, pageToken: null, position };
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
    progress: next,
    now: deps.clock.now(),
  });
  return next;
}

/**
 * Removes a label that two witnesses found gone. Its listing, being empty, would leave it in some places.
 */
async function forgetLabel({ deps, listing }: Work, labelId: LabelId | undefined): Promise<void> {
  if (labelId !== undefined) await deps.store.removeLabel({ mailbox: listing.mailbox, labelId, now: deps.clock.now() });
}

/** The fields that every step of a full sync carries. */
function startOf({
  generation,
  startHistoryId,
  startedAt,
  reconciling,
  earlyReadingsDue,
  repeats = 0,
}: FullSyncProgress) {
  return {
    generation,
    startHistoryId,
    startedAt,
    reconciling,
    repeats,
    ...(earlyReadingsDue === undefined ? {} : { earlyReadingsDue }),
  };
}

/**
 * Ends a pass over the scope's listing. If messages vanished from the listing meanwhile, page tokens may have shifted
 * past a message that is still there, so the pass is repeated. Messages that appeared meanwhile are in the history from
 * the mark. If labels are listed, too, {@link endLabelPass} makes this check for both.
 */
async function endPass(work: Work, progress: Step<'listing'>): Promise<FullSyncProgress> {
  const { session, listing, run, labelIds } = work;
  const start = startOf(progress);
  const { passHistoryId } = progress;
  if (progress.reconciling && listing.settings.recovery === 'listings') {
    const { pass, paged = false } = progress;
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
    return await save(work, {
      ...progress,
      pass: progress.pass + 1,
      listing: 0,
      pageToken: null,
      position: 0,
      passHistoryId: since.head,
    });
  }
  if (!progress.reconciling)
    return await save(work, {
      ...start,
      step: 'confirming',
      passHistoryId,
      ...(since.isWhole ? { moved: since.moved } : {}),
    });
  return await save(work, { ...start, step: 'reading-labels', after: null, passHistoryId });
}

/**
 * Ends a pass over the listings of the scope and of the labels. Listings that lost a message meanwhile are made again.
 * A message that a listing still showed after it went is removed by history.
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
 * {@link confirmListing} checks whether Gmail listed everything that exists.
 */
async function endLabelPass(work: Work, progress: Step<'label-listing'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { pass, passHistoryId, paged = true } = progress;
  const start = startOf(progress);
  if (!paged) return await save(work, { ...start, step: 'confirming', passHistoryId });
  // This head is as new as the end of the pass. After the sleep, the index and history have caught up with it, so the
  // next pass can begin from it.
  const { historyId: head } = await session.getProfile(run.signal);
  await deps.clock.sleep(SETTLING_TIME, run.signal);
  const lost = await vanishedSince(session, { since: passHistoryId, until: head }, listing.settings.scope, run.signal);
  const remaining = labelsToList(listing.settings.scope, work.labelIds).filter(
    (id) => lost.fromAll || lost.fromLabels.has(id),
  );
  if ((!lost.fromScope && remaining.length === 0) || pass >= MAX_PASSES)
    return await save(work, { ...start, step: 'confirming', passHistoryId });
  const again = { ...start, pass: pass + 1, pageToken: null, passHistoryId: head, paged: false };
  if (!lost.fromScope) return await save(work, { ...again, step: 'label-listing', remaining });
  return await save(work, { ...again, step: 'listing', listing: 0, position: 0, labels: remaining });
}

/** Lists the ids of a label: 5 units per 500, whereas a get costs 20 units per message. */
async function listLabelPage(work: Work, progress: Step<'label-listing'>): Promise<FullSyncProgress> {
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

/**
 * Carries out the setting `recovery: minimal`, which follows Google's guide: every held message is read again, for 20
 * units each. The gets come after the wait for the index, so no replica is behind the mark any more. Later changes are
 * in the history from the mark.
 */
async function readNextLabels(work: Work, progress: Step<'reading-labels'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { mailbox, generation } = listing;
  const ids = await deps.store.listSeen({ mailbox, generation, after: progress.after, limit: MAX_BATCH });
  const last = ids.at(-1);
  if (last === undefined) return await save(work, { ...startOf(progress), step: 'confirming', ...passOf(progress) });
  await readLabels({ deps, session, mailbox, run }, ids);
  return await save(work, { ...progress, after: last });
}

const passOf = ({ passHistoryId }: Step<'reading-labels' | 'confirming'>) =>
  passHistoryId === undefined ? {} : { passHistoryId };

/** How often a listing is repeated at once because Gmail counts more messages than it listed. */
const MAX_REPEATS = 2;

/**
 * Ends the listing: confirms what the listings did not show, and updates the rows. If Gmail counts more messages than
 * it listed, the listing is repeated from its top. If rows existed before, the repetition waits until the index and
 * history have caught up with the head from which it is judged.
 */
async function endListing(work: Work, progress: Step<'confirming'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { mailbox, settings, generation } = listing;
  const start = startOf(progress);
  const labels = progress.reconciling && settings.recovery === 'listings' ? 'compared' : 'unread';
  const since = progress.passHistoryId ?? progress.startHistoryId;
  const verdict = await confirmListing({
    ...work,
    ...start,
    labels,
    since,
    moved: progress.moved,
    mayRepeat: start.repeats < MAX_REPEATS,
  });
  if (verdict.kind === 'repeat') {
    const { historyId: head } = await session.getProfile(run.signal);
    if (progress.reconciling) await deps.clock.sleep(SETTLING_TIME, run.signal);
    return await save(work, {
      ...start,
      repeats: start.repeats + 1,
      step: 'listing',
      pass: 0,
      listing: 0,
      pageToken: null,
      position: 0,
      passHistoryId: head,
    });
  }
  const { absence, doubtedLabels, unanswered, doubt } = verdict;
  // A first listing did not wait for the index, so everything is listed once more. A reconciling listing has waited.
  const late = progress.reconciling ? null : progress.startedAt + SETTLING_TIME;
  const relistAt = late ?? (doubt === null ? null : recheckAt(doubt));
  await deps.store.finishListing({
    mailbox,
    generation,
    labels,
    absence,
    doubtedLabels,
    doubt,
    keepNewest: settings.scope.limit,
    relistAt,
    now: deps.clock.now(),
  });
  // They are asked for again within seconds. A crash before this line loses nothing: the doubt makes a new listing due.
  if (unanswered.length > 0) await deps.store.putOffRefresh({ mailbox, messageIds: unanswered, now: deps.clock.now() });
  if (doubt !== null) countDoubt(deps, doubt);
  return { ...start, step: 'fetching' };
}

async function save(work: Work, progress: FullSyncProgress): Promise<FullSyncProgress> {
  const { mailbox, generation } = work.listing;
  await work.deps.store.saveProgress({ mailbox, generation, progress });
  return progress;
}
