import type { Counts, QuotaUse } from '../activities/requests.ts';
import type { HistoryId } from '../model/ids.ts';
import { joinChanges } from '../model/settings-change.ts';
import { afterRefusal } from './blocked.ts';
import { answeredTime, answeredWatch, LONGEST } from './answered-time.ts';
import { withBoundedMessages } from './bounded-messages.ts';
import {
  changeDeliveries,
  withChangesFound,
  withDelivered,
  withDeliveryFailed,
  withDeliveryRequested,
  withDeliveryStarted,
  withListening,
  withNotTaken,
  withSyncBeside,
  type DeliveryState,
} from './delivery-state.ts';
import { afterEvent, type LastError } from './last-error.ts';
import type { EventOf, MailboxEvent } from './mailbox-event.ts';
import { NOT_POKED, phaseOf, type FullSyncReason, type MailboxState } from './mailbox-state.ts';
import { withNoticed } from './notice-events.ts';
import {
  cameAsRenewalNotice,
  isRenewalNotice,
  pollDelay,
  withNotification,
  withRenewalNotice,
  withSyncedPush,
} from './push-state.ts';

/** Ms after a poke that found nothing until history is read again, since it may lag behind the notification. */
const RECHECK_AFTER_QUIET_POKE = 3_000;
/**
 * Ms after a poke until history is read once more: a second longer than history takes to settle. With push, polls are
 * too rare to find late records soon.
 */
const REREAD_AFTER_POKE = 31_000;
/** Ms before a slice that fetched nothing is repeated. */
const SLICE_PAUSE = 1_000;

/** Ms between two partial syncs without a poke. */
const PARTIAL_SYNC_PAUSE = 500;

/** The one place where the state changes. Pure. */
export function transition(state: MailboxState, happened: MailboxEvent, now: number): MailboxState {
  const event = withBoundedMessages(happened);
  const applied = apply(withDeliverable(withClock(withAnswer(state, event), event), event), event, now);
  const next = withNoticed(state, withAuditDue(withMending(state, applied, event, now), now), event, now);
  return phaseOf(next) === phaseOf(state) ? next : { ...next, phaseSince: now };
}

/** Marks the last error as over if the event proves that. An error that the event itself has brought stays. */
function withMending(before: MailboxState, state: MailboxState, event: MailboxEvent, now: number): MailboxState {
  const { lastError } = state;
  return lastError === null || lastError !== before.lastError
    ? state
    : { ...state, lastError: afterEvent(lastError, event, now) };
}

/** Schedules the first audit an interval after the first full sync is complete. A changed interval starts over. */
function withAuditDue(state: MailboxState, now: number): MailboxState {
  const { auditInterval } = state.settings;
  if (auditInterval === null) return state.nextAuditAt === null ? state : { ...state, nextAuditAt: null };
  return state.nextAuditAt === null && state.fullSync.kind === 'done'
    ? { ...state, nextAuditAt: now + auditInterval }
    : state;
}

/** An answer to a blocked mailbox's question unblocks it. */
function withAnswer(state: MailboxState, event: MailboxEvent): MailboxState {
  return 'asked' in event && event.asked === true && event.kind !== 'blocked' ? { ...state, blocked: null } : state;
}

/** Notes that an activity's result leaves something to deliver, and whether targets wait for later changes. */
function withDeliverable(state: MailboxState, event: MailboxEvent): MailboxState {
  if (!isOfSync(event)) return state;
  const { deliverable, webhooks, deliverableUpTo, listening = [] } = event;
  const told = (before: DeliveryState, kind: (typeof listening)[number], isFound: boolean): DeliveryState => {
    const found = isFound ? withChangesFound(before, deliverableUpTo) : before;
    return withListening(found, listening.includes(kind));
  };
  const handled = changeDeliveries(state, 'delivery', (before) => told(before, 'handler', deliverable === true));
  return changeDeliveries(handled, 'webhook', (before) => told(before, 'webhook', webhooks === true));
}

type OfSync = EventOf<'opened' | 'listed' | 'slice-fetched' | 'partial-synced' | 'audited' | 'events-noted'>;

const OF_SYNC: ReadonlySet<string> = new Set<OfSync['kind']>([
  'opened',
  'listed',
  'slice-fetched',
  'partial-synced',
  'audited',
  'events-noted',
]);

/** Whether the event is the result of an activity that keeps the mirror, or events. */
const isOfSync = (event: MailboxEvent): event is OfSync => OF_SYNC.has(event.kind);

/** Takes the skew of the worker's clock, and the worker's database, from each activity's result. */
function withClock(state: MailboxState, event: MailboxEvent): MailboxState {
  return isOfSync(event) || event.kind === 'delivered'
    ? { ...state, clockSkew: event.clockSkew ?? null, store: event.store ?? state.store }
    : state;
}

function apply(state: MailboxState, event: MailboxEvent, now: number): MailboxState {
  switch (event.kind) {
    case 'poked':
      return withPoke(withPokeCounted(state), now);
    case 'notified':
      return withNotified(state, event.historyId, now);
    case 'sync-requested':
      return withSyncRequested(state);
    case 'paused':
      return { ...state, paused: true };
    case 'resumed':
      return withResumed(state, now);
    case 'reconnected':
      return { ...state, pokedAt: NOT_POKED, blocked: null, nextPartialSyncAt: now };
    case 'stop-requested':
      return { ...state, stopping: true };
    case 'rate-limited':
      return withRateLimit(state, event, now);
    case 'configured':
      return withSettings(state, event, now);
    case 'retry-requested':
      return { ...state, retries: { ...state.retries, requested: state.retries.requested + 1 } };
    case 'audit-requested':
      return { ...state, audits: { ...state.audits, requested: state.audits.requested + 1 } };
    case 'audited':
      return withAudit(state, event);
    case 'deliver-requested':
    case 'delivery-started':
    case 'delivered':
    case 'delivery-failed':
    case 'delivery-not-taken':
      return withDeliveries(state, event, now);
    case 'events-noted':
      return state;
    case 'events-failed':
      return withError(state, errorIn({ ...event, lane: 'events' }), now);
    case 'refused':
      return withError(state, { message: event.message, of: 'settings' }, now);
    case 'resync-requested':
      return withFullSync(state, 'forced');
    case 'opened':
      return withOpened(state, event);
    case 'listed':
      return withListing(state, event, now);
    case 'slice-fetched':
      return withSlice(state, event, now);
    case 'partial-sync-started':
      return withSyncStarted(state, now);
    case 'partial-synced':
      return withPartialSync(state, event, now);
    case 'history-expired':
      return withRecovery(withError(state, { message: event.message, of: 'live' }, now));
    case 'store-lost':
      return withLostStore(withError(state, { message: event.message, of: 'store' }, now));
    case 'blocked':
      return withRefusal(withError(state, errorIn(event), now), event, now);
  }
}

function withDeliveries(
  state: MailboxState,
  event: EventOf<'deliver-requested' | 'delivery-started' | 'delivered' | 'delivery-failed' | 'delivery-not-taken'>,
  now: number,
): MailboxState {
  const changed = (change: (deliveries: DeliveryState) => DeliveryState): MailboxState =>
    changeDeliveries(state, event.lane, change);
  switch (event.kind) {
    case 'deliver-requested':
      return changed(withDeliveryRequested);
    case 'delivery-started':
      return changed(withDeliveryStarted);
    case 'delivered':
      return changed((before) => withDelivered(before, event, now));
    case 'delivery-not-taken':
      return changed((before) => withNotTaken(before, now));
    case 'delivery-failed':
      return withError(
        changed((before) => withDeliveryFailed(before, now)),
        errorIn(event),
        now,
      );
  }
}

function withResumed(state: MailboxState, now: number): MailboxState {
  return {
    ...state,
    pokedAt: NOT_POKED,
    paused: false,
    blocked: null,
    rateLimited: null,
    nextPartialSyncAt: now,
    nextSliceAt: state.nextSliceAt === null ? null : now,
  };
}

/**
 * The store compares the new settings with those of its last listing. A resync that was requested stays requested.
 */
function withSettings(state: MailboxState, event: EventOf<'configured'>, now: number): MailboxState {
  return {
    ...state,
    settings: event.settings,
    named: state.named === null || event.change === undefined ? null : joinChanges(state.named, event.change),
    nextAuditAt: event.settings.auditInterval === state.settings.auditInterval ? state.nextAuditAt : null,
    fullSync: { kind: 'unknown', resync: resyncWanted(state) },
    nextPartialSyncAt: now,
  };
}

function withAudit(state: MailboxState, event: EventOf<'audited'>): MailboxState {
  return {
    ...state,
    drift: event.drift,
    audits: { ...state.audits, served: event.audit ?? state.audits.served },
    nextAuditAt: null,
    rateLimited: null,
  };
}

/** The end of a listing. That of an earlier generation changes nothing. */
function withListing(state: MailboxState, event: EventOf<'listed'>, now: number): MailboxState {
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

function withRateLimit(state: MailboxState, event: EventOf<'rate-limited'>, now: number): MailboxState {
  const until = answeredTime(event.waitFor, event.until, now, LONGEST.rateLimit) ?? event.until;
  return { ...state, rateLimited: { until, message: event.message } };
}

function withLostStore(state: MailboxState): MailboxState {
  return { ...state, fullSync: { kind: 'unknown', resync: false }, historyId: null };
}

function withRefusal(state: MailboxState, event: EventOf<'blocked'>, now: number): MailboxState {
  return { ...state, blocked: afterRefusal(state.blocked, event, now), rateLimited: null };
}

/** What every result says about the mailbox as a whole. */
const countsIn = ({
  stored,
  pending,
  failed,
  quota,
  clockSkew = 0,
}: Counts): Pick<MailboxState, 'stored' | 'pending' | 'failed'> & { readonly quota?: QuotaUse } => ({
  stored,
  pending,
  failed,
  // `finishAt` is by the worker's clock, but is shown next to times by the server's clock.
  ...(quota === undefined
    ? {}
    : { quota: { ...quota, finishAt: quota.finishAt === null ? null : quota.finishAt - clockSkew } }),
});

function resyncWanted(state: MailboxState): boolean {
  return state.fullSync.kind === 'unknown' ? state.fullSync.resync : state.fullSync.kind === 'listing';
}

function withSyncRequested(state: MailboxState): MailboxState {
  return { ...state, syncs: { ...state.syncs, requested: state.syncs.requested + 1 } };
}

function withPokeCounted(state: MailboxState): MailboxState {
  return { ...state, counters: { ...state.counters, pokes: state.counters.pokes + 1 } };
}

function withPoke(state: MailboxState, now: number): MailboxState {
  // The next change is more likely to belong to this poke than to an earlier one that found nothing.
  const serving = state.syncs.started > state.syncs.served ? state.pokedAt.serving : null;
  return {
    ...withSyncRequested(state),
    pokedAt: { waiting: state.pokedAt.waiting ?? now, serving },
    rereadAt: now + REREAD_AFTER_POKE,
  };
}

/**
 * A partial sync serves the requests that were made before it began, and the reread if it was due by then. A sync that
 * began earlier may have read too early, however late it ends.
 */
function withSyncStarted(state: MailboxState, now: number): MailboxState {
  const { syncs, pokedAt, rereadAt } = state;
  return {
    ...state,
    deliveries: withSyncBeside(state.deliveries),
    webhooks: withSyncBeside(state.webhooks),
    syncs: { ...syncs, started: syncs.requested },
    pokedAt: state.blocked === null ? { waiting: null, serving: pokedAt.serving ?? pokedAt.waiting } : NOT_POKED,
    rereadAt: rereadAt !== null && rereadAt <= now ? null : rereadAt,
  };
}

function withNotified(state: MailboxState, historyId: HistoryId | null, now: number): MailboxState {
  const counted = withPokeCounted(state);
  // A renewal causes one notification, so a second one with the same id is about something else.
  if (isRenewalNotice(state.push, historyId, now)) {
    const heard = { ...counted, push: withRenewalNotice(withNotification(state.push, { historyId, sync: null }, now)) };
    if (state.push.announces === true) return heard;
    const rereadAt = now + REREAD_AFTER_POKE;
    return { ...heard, rereadAt, nextPartialSyncAt: Math.min(state.nextPartialSyncAt, rereadAt) };
  }
  const requested = withPoke(counted, now);
  return {
    ...requested,
    push: withNotification(state.push, { historyId, sync: requested.syncs.requested, rereadAt: state.rereadAt }, now),
  };
}

/**
 * Begins a new generation. Until the store has been asked, the number is unknown; opening the store begins the resync.
 */
function withFullSync(state: MailboxState, reason: FullSyncReason): MailboxState {
  // An expired mark stays the reason: a resync that someone requests meanwhile must not restart live syncs.
  const expired = state.fullSync.kind === 'listing' && state.fullSync.reason === 'expired';
  if (state.fullSync.kind === 'unknown') return { ...state, fullSync: { kind: 'unknown', resync: true } };
  return {
    ...state,
    generation: state.generation + 1,
    fullSync: { kind: 'listing', reason: expired ? 'expired' : reason },
  };
}

function withRecovery(state: MailboxState): MailboxState {
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
function withOpened(state: MailboxState, event: EventOf<'opened'>): MailboxState {
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
  // Also above the workflow's own number: an abandoned attempt, under other settings, may still begin that generation.
  const next = Math.max(generation, state.generation) + 1;
  if (event.step === 'none') return listing(next, 'initial');
  if (event.settingsChanged) return listing(next, 'settings');
  if (state.fullSync.kind === 'unknown' && state.fullSync.resync) return listing(next, 'forced');
  if (event.step === 'listing') return listing(generation, historyId === null ? 'initial' : 'interrupted');
  if (event.step === 'fetching')
    return { ...opened, completedGeneration: generation - 1, fullSync: { kind: 'fetching' }, nextSliceAt: 0 };
  // One slice finds out when failed messages are due, and whether a late listing is due.
  return withSyncRequested({ ...opened, completedGeneration: generation, fullSync: { kind: 'done' }, nextSliceAt: 0 });
}

function withSlice(state: MailboxState, event: EventOf<'slice-fetched'>, now: number): MailboxState {
  const retries = { ...state.retries, served: event.retried ?? state.retries.served };
  const counted = {
    ...state,
    retries,
    ...countsIn(event),
    rateLimited: null,
    heldUntil: answeredTime(event.heldFor, event.heldUntil ?? null, now, LONGEST.held),
  };
  if (event.generation !== state.generation || state.fullSync.kind === 'listing' || state.fullSync.kind === 'unknown')
    return counted;
  const longest = event.complete ? LONGEST.failed : event.heldFor === undefined ? LONGEST.pending : LONGEST.held;
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
  // The mailbox is in sync after one more partial sync, which sees the changes from during the backfill.
  return {
    ...withSyncRequested(counted),
    fullSync: { kind: 'done' },
    completedGeneration: state.generation,
    nextSliceAt,
    counters: { ...state.counters, fullSyncs: state.counters.fullSyncs + 1 },
  };
}

function withPartialSync(state: MailboxState, event: EventOf<'partial-synced'>, now: number): MailboxState {
  const poked = state.syncs.started > state.syncs.served;
  const quietPoke = poked && !event.changed;
  const watch = event.watch == null ? null : answeredWatch(event.watch, now);
  const push = withSyncedPush(state.push, { ...event, watch }, state.historyId, now);
  // The only waiting poke is the renewal notice, which the sync itself caused, so no further sync is needed.
  const isNotice = cameAsRenewalNotice(state.push, push, state.syncs);
  const served = isNotice ? state.syncs.requested : state.syncs.started;
  const awaited = isNotice && push.announces === true ? (state.push.told?.rereadAt ?? null) : state.rereadAt;
  const rereadAt = later(awaited, answeredTime(event.settleIn, event.settleAt, now, LONGEST.settle));
  const pokedAt = {
    waiting: isNotice ? null : state.pokedAt.waiting,
    serving: event.more || (!event.changed && rereadAt !== null) ? state.pokedAt.serving : null,
  };
  const attemptAt = answeredTime(event.nextAttemptIn, event.nextAttemptAt, now, LONGEST.failed);
  const times = [
    now + pollDelay(push, state.settings.pollInterval, now),
    attemptAt,
    rereadAt,
    quietPoke ? now + RECHECK_AFTER_QUIET_POKE : null,
  ];
  const told =
    event.watchRefusal === undefined ? state : withError(state, { message: event.watchRefusal, of: 'push' }, now);
  return {
    ...told,
    historyId: event.historyId,
    push: isNotice ? withRenewalNotice(push) : push,
    syncs: event.more ? state.syncs : { ...state.syncs, started: served, served },
    pokedAt,
    rereadAt,
    nextPartialSyncAt: event.more
      ? now
      : Math.max(now + PARTIAL_SYNC_PAUSE, Math.min(...times.filter((time) => time !== null))),
    rateLimited: null,
    ...countsIn(event),
    syncedAt: now,
    nextSliceAt: earlier(
      state.nextSliceAt,
      answeredTime(event.failedAttemptIn, event.failedAttemptAt, now, LONGEST.failed),
    ),
    counters: { ...state.counters, partialSyncs: state.counters.partialSyncs + 1 },
  };
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

function later(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

const errorIn = ({
  message,
  lane,
  remedy,
}: Pick<LastError, 'message' | 'remedy'> & { readonly lane: LastError['of'] }): Pick<
  LastError,
  'message' | 'of' | 'remedy'
> => ({
  message,
  of: lane,
  ...(remedy === undefined ? {} : { remedy }),
});

function withError(
  state: MailboxState,
  error: Pick<LastError, 'message' | 'of' | 'remedy'>,
  now: number,
): MailboxState {
  return { ...state, lastError: { ...error, at: now, mendedAt: null } };
}
