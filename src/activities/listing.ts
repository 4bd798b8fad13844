import { MAX_BATCH, type GmailSession } from '../gmail/gmail-api.ts';
import type { Label } from '../model/change.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { FullSyncProgress, MailboxRow, SettleMark } from '../store/mailbox-store.ts';
import { StoreError } from '../store/store-error.ts';
import { confirmAbsent } from './confirm-absent.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { labelListing, labelsToList, listIds, listings } from './list-ids.ts';
import { readLabels } from './refresh.ts';
import { markBefore, SETTLING_TIME } from './settling.ts';
import { vanishedSince } from './vanished.ts';

/** A pass over the listing is repeated while messages vanish from it, at most this often: page tokens may shift then and skip a message. */
const MAX_PASSES = 5;

export interface Listing {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  readonly generation: number;
  /** `head`: pin the mailbox's head, since the stored mark has expired. `mark`: go on from the stored mark, if there is one. */
  readonly pin: 'head' | 'mark';
}

/**
 * Makes the manifest of one generation, and corrects what was stored before by it. Every step saves its progress with its rows,
 * so an attempt that follows a crash goes on from the last page, and listing a page twice changes nothing.
 *
 * The mark is the mailbox's head *before* the listing: whatever changes during it is in the history that is replayed from there.
 * (Google's guide takes the first listed message's historyId; on a quiet mailbox that one may have expired, and loops in 404 for ever.)
 *
 * @returns the mark, or null when a newer generation has begun
 */
export async function makeManifest(deps: ActivityDependencies, session: GmailSession, listing: Listing, run: ActivityRun): Promise<HistoryId | null> {
  const { store, clock } = deps;
  const { mailbox, settings, generation } = listing;
  let progress = await begin(deps, session, listing, run);
  if (progress === null) return null;
  // Gmail's list index lags as its history does. From here on it shows everything up to the mark: absence, of an id or of a label, is a fact.
  if (progress.reconciling) await clock.sleep(Math.max(0, progress.startedAt + SETTLING_TIME - clock.now()), run.signal);
  // Read after the mark was pinned: a label that is made later is in the history from there, wherever it is used.
  const labels = await session.listLabels(run.signal);
  await store.saveLabels({ mailbox, labels });
  const work: Work = { deps, session, listing, run, labels };

  while (progress.step === 'listing' || progress.step === 'label-listing' || progress.step === 'reading-labels' || progress.step === 'confirming') {
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
        if (progress.confirmed !== true) await confirmAbsent(work);
        await store.finishListing({
          mailbox,
          generation,
          labels: progress.reconciling && settings.recovery === 'listings' ? 'compared' : 'unread',
          keepNewest: settings.scope.limit,
          // What the index showed late is listed once more; over rows that existed before, the listing waited for the index.
          relistAt: progress.reconciling ? null : progress.startedAt + SETTLING_TIME,
          now: clock.now(),
        });
        progress = { ...progress, step: 'fetching' };
    }
  }
  return progress.startHistoryId;
}

interface Work {
  readonly deps: ActivityDependencies;
  readonly session: GmailSession;
  readonly listing: Listing;
  readonly run: ActivityRun;
  readonly labels: readonly Label[];
}

type Step<Name extends FullSyncProgress['step']> = Extract<FullSyncProgress, { step: Name }>;

/**
 * The generation's progress: what an earlier attempt saved, or a new one with its mark pinned before anything is listed.
 * A stored mark that has settled is older than the head and saves the wait for the index: history is replayed from it.
 */
async function begin(deps: ActivityDependencies, session: GmailSession, listing: Listing, run: ActivityRun): Promise<FullSyncProgress | null> {
  const { mailbox, settings, generation } = listing;
  const row = await deps.store.getMailbox(mailbox);
  // Only opening creates a mailbox: one that was removed or renamed meanwhile must not come back.
  if (row === null) throw new StoreError({ kind: 'lost' }, `the database no longer knows ${mailbox}: it is synchronised anew`);
  if (row.fullSync?.generation === generation) return row.fullSync;
  const pinned = await pin(deps, session, row, listing, run);
  return await deps.store.beginFullSync({ mailbox, generation, startHistoryId: pinned.historyId, settings, now: pinned.at });
}

async function pin({ clock }: ActivityDependencies, session: GmailSession, row: MailboxRow | null, listing: Listing, run: ActivityRun): Promise<SettleMark> {
  const mark = listing.pin === 'mark' && row !== null ? markBefore(row, clock.now() - SETTLING_TIME) : null;
  if (mark !== null) return mark;
  const { historyId } = await session.getProfile(run.signal);
  // The time of the answer: the call may have waited long, and the head is as new as its answer.
  return { historyId, at: clock.now() };
}

async function listPage(work: Work, progress: Step<'listing'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const queries = listings(listing.settings.scope);
  const query = queries[progress.listing];
  if (query === undefined) return await endPass(work, progress);
  const page = await listIds(session, { ...query, pageToken: progress.pageToken }, run.signal);
  // The page token went stale (its lifetime is not documented): list from the top again, which is idempotent.
  if (page === 'restart') return await save(work, { ...progress, listing: 0, pageToken: null, position: 0 });
  const position = progress.position + page.messages.length;
  const limitReached = listing.settings.scope.limit !== null && !progress.reconciling && position >= listing.settings.scope.limit;
  const more = page.nextPageToken !== null && !limitReached;
  const next: FullSyncProgress = more
    ? { ...progress, pageToken: page.nextPageToken, position, paged: true }
    : { ...progress, listing: progress.listing + 1, pageToken: null, position };
  const { mailbox, generation } = listing;
  const [label] = query.labelIds ?? [];
  // First, under the same progress: an attempt that dies in between lists the page again.
  if (label !== undefined && progress.reconciling) await deps.store.saveLabelListingPage({ mailbox, generation, labelId: label, messageIds: page.messages.map(({ id }) => id), progress });
  await deps.store.saveListingPage({ mailbox, generation, messages: page.messages, position: progress.position, progress: next, now: deps.clock.now() });
  return next;
}

/**
 * If messages vanished from the listing during this pass, page tokens may have shifted past a message that is still there:
 * the pass is repeated. What appeared meanwhile is in the history from the mark. Where labels are listed too, both are looked at after that.
 */
async function endPass(work: Work, progress: Step<'listing'>): Promise<FullSyncProgress> {
  const { session, listing, run, labels } = work;
  if (progress.reconciling && listing.settings.recovery === 'listings') {
    const { generation, startHistoryId, startedAt, reconciling, pass, passHistoryId, paged = false } = progress;
    const remaining = progress.labels ?? labelsToList(listing.settings.scope, labels);
    return await save(work, { generation, startHistoryId, startedAt, reconciling, step: 'label-listing', pass, remaining, pageToken: null, passHistoryId, paged });
  }
  const since = await vanishedSince(session, { since: progress.passHistoryId }, listing.settings.scope, run.signal);
  if (since.fromScope && progress.pass < MAX_PASSES) {
    return await save(work, { ...progress, pass: progress.pass + 1, listing: 0, pageToken: null, position: 0, passHistoryId: since.head });
  }
  const { generation, startHistoryId, startedAt, reconciling } = progress;
  const start = { generation, startHistoryId, startedAt, reconciling };
  // Nothing was held before: absence deletes nothing.
  if (!reconciling) return await save(work, { ...start, step: 'confirming', confirmed: true });
  // Before labels are read: what turns out to be there has labels too.
  await confirmAbsent(work);
  return await save(work, { ...start, step: 'reading-labels', after: null });
}

/**
 * The end of a pass over the scope's listing and the labels': those that lost a message meanwhile are listed again. What a listing holds too much,
 * history takes away.
 *
 * Why absence is a fact after a clean pass, of an id and of a label, without a get: each page shows everything up to the mark (it was asked for once the
 * index had caught up), so a message that is there can be missing only where a page token shifted past it. That takes something that vanishes
 * from the same listing, between the head that was pinned a while before the pass (a while, for the index may lose it late) and its end. Its record is
 * in the history that is read here, once records up to then have settled. A listing of one page has no token.
 */
async function endLabelPass(work: Work, progress: Step<'label-listing'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { generation, startHistoryId, startedAt, reconciling, pass, passHistoryId, paged = true } = progress;
  const start = { generation, startHistoryId, startedAt, reconciling };
  if (!paged) return await save(work, { ...start, step: 'confirming', confirmed: true });
  // As new as the end of the pass; once the index and history have caught up with it, it is old enough to begin the next one.
  const { historyId: head } = await session.getProfile(run.signal);
  await deps.clock.sleep(SETTLING_TIME, run.signal);
  const lost = await vanishedSince(session, { since: passHistoryId, until: head }, listing.settings.scope, run.signal);
  const remaining = labelsToList(listing.settings.scope, work.labels).filter((id) => lost.fromAll || lost.fromLabels.has(id));
  if (!lost.fromScope && remaining.length === 0) return await save(work, { ...start, step: 'confirming', confirmed: true });
  if (pass >= MAX_PASSES) return await save(work, { ...start, step: 'confirming' });
  const again = { ...start, pass: pass + 1, pageToken: null, passHistoryId: head, paged: false };
  if (!lost.fromScope) return await save(work, { ...again, step: 'label-listing', remaining });
  return await save(work, { ...again, step: 'listing', listing: 0, position: 0, labels: remaining });
}

/** The ids of every label: 5 units per 500, where reading the labels message by message costs 20 each. */
async function listLabelPage(work: Work, progress: Step<'label-listing'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { mailbox, generation, settings } = listing;
  const [label, ...remaining] = progress.remaining;
  if (label === undefined) return await endLabelPass(work, progress);
  const page = await listIds(session, { ...labelListing(settings.scope, label), pageToken: progress.pageToken }, run.signal);
  if (page === 'restart') return await save(work, { ...progress, pageToken: null });
  const next: FullSyncProgress =
    page.nextPageToken === null ? { ...progress, remaining, pageToken: null } : { ...progress, pageToken: page.nextPageToken, paged: true };
  const messageIds = page.messages.map((message) => message.id);
  await deps.store.saveLabelListingPage({ mailbox, generation, labelId: label, messageIds, progress: next });
  return next;
}

/**
 * The setting `recovery: minimal`, as Google's guide has it: every held message is read again, for 20 units each. The gets come after the wait
 * for the index, so no replica is behind the mark any more; what changes later is in the history from there.
 */
async function readNextLabels(work: Work, progress: Step<'reading-labels'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { mailbox, generation } = listing;
  const ids = await deps.store.listSeen({ mailbox, generation, after: progress.after, limit: MAX_BATCH });
  const last = ids.at(-1);
  if (last === undefined) {
    const { startHistoryId, startedAt, reconciling } = progress;
    return await save(work, { generation, startHistoryId, startedAt, reconciling, step: 'confirming', confirmed: true });
  }
  await readLabels({ deps, session, mailbox, run }, ids);
  return await save(work, { ...progress, after: last });
}

async function save(work: Work, progress: FullSyncProgress): Promise<FullSyncProgress> {
  const { mailbox, generation } = work.listing;
  await work.deps.store.saveProgress({ mailbox, generation, progress });
  return progress;
}
