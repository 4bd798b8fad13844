import type { GmailSession } from '../gmail/api/gmail-api.ts';
import { compareHistoryIds, type HistoryId, type LabelId } from '../model/ids.ts';
import { listsSeveralLabels } from '../model/settings.ts';
import type { FullSyncProgress, MailboxRow, SettleMark } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { ListingStore } from '../store/listing/listing-store.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { endListing } from './end-listing.ts';
import { isListing, knownMailbox } from './known-mailbox.ts';
import { listLabelPage } from './list-label-pages.ts';
import { listPage } from './list-scope-pages.ts';
import type { Listing } from './listing-request.ts';
import type { ListingRoles, Work } from './listing-work.ts';
import { readNextLabels } from './read-listed-labels.ts';
import { requireKnownLabels } from './require-labels.ts';
import { settledMark, untilSettled } from './settling.ts';

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
  request: Listing,
  run: ActivityRun,
): Promise<HistoryId | null> {
  const { store, clock } = deps;
  const { mailbox } = request;
  let progress = await begin(deps, session, request, run);
  if (progress === null) return null;
  const listing = await leaping(deps, request, progress);
  // Gmail's list index lags, as its history does. After this wait the index shows everything up to the mark, so the
  // absence of an id or of a label is a fact.
  if (progress.reconciling) await clock.sleep(untilSettled(progress.startedAt, clock.now()), run.signal);
  // Labels are read after the mark was pinned: every use of a label that is made later is in the history from the mark.
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
    isLimitDated: await isLimitDated(deps, listing),
  };

  for (;;) {
    const ended = await listToEnd(work, progress);
    const row = await knownMailbox(deps, mailbox);
    // An attempt that was abandoned may have begun another pass, and the store then refused this end: it goes on there.
    const goesOn = isListing(row) && row.fullSync?.generation === request.generation;
    if (!goesOn) return ended.startHistoryId;
    progress = row.fullSync;
  }
}

async function listToEnd(work: Work, begun: FullSyncProgress): Promise<FullSyncProgress> {
  const { run } = work;
  let progress = begun;
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
  return progress;
}

/**
 * The listing as one from the head if its mark leaps over history that was not read: no record tells what arrived
 * there. A recovery that is interrupted goes on as a full sync.
 */
async function leaping(
  deps: ActivityDependencies<MailboxRegistry>,
  listing: Listing,
  { startHistoryId }: FullSyncProgress,
): Promise<Listing> {
  const { historyId } = await knownMailbox(deps, listing.mailbox);
  const leaps = historyId !== null && compareHistoryIds(startHistoryId, historyId) > 0;
  return leaps ? { ...listing, pin: 'head' } : listing;
}

async function isLimitDated(
  { store }: ActivityDependencies<ListingStore>,
  { mailbox, generation, settings: { scope } }: Listing,
): Promise<boolean> {
  if (scope.limit === null || listsSeveralLabels(scope)) return false;
  return (await store.limitEdge({ mailbox, generation })).floor !== null;
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

/**
 * The generation's progress: what an earlier attempt saved, or new progress with its mark pinned before anything is
 * listed. A stored mark that has settled can serve as the mark. History is then replayed from that mark. Because the
 * mark is older than the head, there is no wait for the index.
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
