import { joinChanges } from '../model/settings-change.ts';
import { answeredTime, LONGEST } from './answered-time.ts';
import type { EventOf } from './mailbox-event.ts';
import type { FullSyncReason, MailboxState } from './mailbox-state.ts';
import { countsIn } from './result-counts.ts';
import { withSyncRequested } from './sync-requests.ts';

/** Ms before a slice that fetched nothing is repeated. */
const SLICE_PAUSE = 1_000;

/**
 * The store compares the new settings with those of its last listing. A resync that was requested stays requested.
 */
export function withSettings(state: MailboxState, event: EventOf<'configured'>, now: number): MailboxState {
  return {
    ...state,
    settings: event.settings,
    named: state.named === null || event.change === undefined ? null : joinChanges(state.named, event.change),
    nextAuditAt: event.settings.auditInterval === state.settings.auditInterval ? state.nextAuditAt : null,
    fullSync: { kind: 'unknown', resync: resyncWanted(state) },
    nextPartialSyncAt: now,
  };
}

/** The end of a listing. A listing of an earlier generation changes nothing. */
export function withListing(state: MailboxState, event: EventOf<'listed'>, now: number): MailboxState {
  if (event.generation !== state.generation) return state;
  return {
    ...state,
    historyId: event.historyId,
    fullSync: { kind: 'fetching' },
    nextSliceAt: now,
    heldUntil: null,
    nextPartialSyncAt: now,
    rateLimited: null,
    ...countsIn(event),
  };
}

export function withLostStore(state: MailboxState): MailboxState {
  return { ...state, fullSync: { kind: 'unknown', resync: false }, historyId: null };
}

function resyncWanted(state: MailboxState): boolean {
  return state.fullSync.kind === 'unknown' ? state.fullSync.resync : state.fullSync.kind === 'listing';
}

/**
 * Begins a new generation. Its number is unknown until the store has been asked: then the answer of the store begins
 * the resync.
 */
export function withFullSync(state: MailboxState, reason: FullSyncReason): MailboxState {
  // An expired mark stays the reason: a resync that someone requests meanwhile must not restart live syncs.
  const expired = state.fullSync.kind === 'listing' && state.fullSync.reason === 'expired';
  if (state.fullSync.kind === 'unknown') return { ...state, fullSync: { kind: 'unknown', resync: true } };
  return {
    ...state,
    generation: state.generation + 1,
    fullSync: { kind: 'listing', reason: expired ? 'expired' : reason },
  };
}

export function withRecovery(state: MailboxState): MailboxState {
  const next = {
    ...state,
    generation: state.generation + 1,
    fullSync: { kind: 'listing', reason: 'expired' } as const,
  };
  return { ...next, counters: { ...state.counters, recoveries: state.counters.recoveries + 1 } };
}

/**
 * Takes over what the store says when it is opened. The store knows best what it holds: an empty store needs a full
 * sync, and a full store under a new Temporal server continues with a partial sync from its own mark.
 */
export function withOpened(state: MailboxState, event: EventOf<'opened'>): MailboxState {
  const { historyId, generation } = event;
  const opened = {
    ...state,
    settings: event.settings ?? state.settings,
    named: null,
    historyId,
    generation,
    ...countsIn(event),
  };
  const listing = (generation: number, reason: FullSyncReason): MailboxState => ({
    ...opened,
    generation,
    fullSync: { kind: 'listing', reason },
  });
  // Above the workflow's own number, too: an abandoned attempt under other settings may still begin the generation of
  // that number.
  const next = Math.max(generation, state.generation) + 1;
  if (event.step === 'none') return listing(next, 'initial');
  if (event.settingsChanged) return listing(next, 'settings');
  if (state.fullSync.kind === 'unknown' && state.fullSync.resync) return listing(next, 'forced');
  if (event.step === 'listing') return listing(generation, historyId === null ? 'initial' : 'interrupted');
  if (event.step === 'fetching')
    return { ...opened, completedGeneration: generation - 1, fullSync: { kind: 'fetching' }, nextSliceAt: 0 };
  // One slice finds out when failed messages are due, and whether a relisting is due.
  return withSyncRequested({ ...opened, completedGeneration: generation, fullSync: { kind: 'done' }, nextSliceAt: 0 });
}

export function withSlice(state: MailboxState, event: EventOf<'slice-fetched'>, now: number): MailboxState {
  const retries = { ...state.retries, served: event.retried ?? state.retries.served };
  const counted = {
    ...state,
    retries,
    ...countsIn(event),
    rateLimited: null,
    heldUntil: answeredTime(event.heldFor, event.heldUntil ?? null, now, LONGEST.dailyBudget),
  };
  if (event.generation !== state.generation || state.fullSync.kind === 'listing' || state.fullSync.kind === 'unknown')
    return counted;
  const longest = event.complete ? LONGEST.failed : event.heldFor === undefined ? LONGEST.pending : LONGEST.dailyBudget;
  const attemptAt = answeredTime(event.nextAttemptIn, event.nextAttemptAt, now, longest);
  const nextSliceAt = attemptAt === null ? null : Math.max(attemptAt, event.fetched > 0 ? 0 : now + SLICE_PAUSE);
  if (!event.complete) {
    // The remaining messages wait for a later attempt (not found yet, or stale). History may resolve them sooner.
    const waits = nextSliceAt !== null && nextSliceAt > now;
    return {
      ...counted,
      nextSliceAt,
      nextPartialSyncAt: waits ? Math.min(state.nextPartialSyncAt, now) : state.nextPartialSyncAt,
    };
  }
  if (state.fullSync.kind === 'done' && event.isDoubted === true)
    return withFullSync({ ...counted, nextSliceAt: null }, 'doubted');
  if (state.fullSync.kind === 'done') return { ...counted, nextSliceAt };
  // The mailbox is in sync after one more partial sync, which sees the changes that came during the backfill.
  return {
    ...withSyncRequested(counted),
    fullSync: { kind: 'done' },
    completedGeneration: state.generation,
    nextSliceAt,
    counters: { ...state.counters, fullSyncs: state.counters.fullSyncs + 1 },
  };
}
