import type { Counts, QuotaUse } from '../activities/requests.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import { completeSettings, joinChanges, type SettingsChange } from '../model/settings-change.ts';
import { afterRefusal, completeBlocked, type Blocked } from './blocked.ts';
import { answeredTime, answeredWatch, LONGEST } from './answered-time.ts';
import { withBoundedMessages, withBoundedTexts } from './bounded-messages.ts';
import { afterEvent, type LastError } from './last-error.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import type { Phase } from './phase.ts';
import { isEcho, NO_PUSH, pollDelay, wasEcho, withEcho, withNotification, withSyncedPush, type PushState } from './push-state.ts';

/**
 * The state of a mailbox's workflow: plain JSON, carried whole across continue-as-new.
 *
 * # `fullSync`
 * - `unknown`: the store has not been asked. A new workflow starts here, and comes back when the store turns out to be lost.
 * - `listing`: the manifest of generation `generation` is being made; `reason` says why. While it is `expired` there is no usable mark,
 *   so live syncs stop; for other reasons they go on beside it.
 * - `fetching`: the mark is valid, live syncs run, slices of the backfill run beside them.
 * - `done`: nothing of the backfill is pending; slices run only when a failed message's next attempt comes.
 */
export interface MailboxState {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  /** What of the settings was named so far, where the start did not name all: until the store was asked, the others are only defaults. null once they are known. */
  readonly named: SettingsChange | null;
  readonly historyId: HistoryId | null;
  readonly generation: number;
  readonly fullSync:
    | { readonly kind: 'unknown'; readonly resync: boolean }
    | { readonly kind: 'listing'; readonly reason: FullSyncReason }
    | { readonly kind: 'fetching' }
    | { readonly kind: 'done' };
  /** The newest generation whose backfill is complete. */
  readonly completedGeneration: number;
  readonly paused: boolean;
  readonly stopping: boolean;
  /** Nothing goes on meanwhile. A signal ends it, or the answer to one of its questions. */
  readonly blocked: Blocked | null;
  /** Gmail told an activity to wait; the activity's own retry does. */
  readonly rateLimited: { readonly until: number; readonly message: string } | null;
  /**
   * Numbers of partial syncs: `requested` grows with each poke, `started` takes it over when one begins and `served` when that one ends.
   * A poke during a partial sync stays above `started`, so another follows: none is lost.
   */
  readonly syncs: { readonly requested: number; readonly started: number; readonly served: number };
  /**
   * When the first poke came that no partial sync has served: `waiting` for the next one to begin, `serving` by the one under way. A quiet one
   * leaves it to the next looks, for history may lag behind the notification, until a newer one comes. It only tells how long notifications take.
   */
  readonly pokedAt: { readonly waiting: number | null; readonly serving: number | null };
  /** The same for retries of failed messages: while more are requested than served, the next slice begins at once and tries all. */
  readonly retries: { readonly requested: number; readonly served: number };
  /** The same for audits that somebody asked for. */
  readonly audits: { readonly requested: number; readonly served: number };
  /** When the store is compared with Gmail by itself; null before the first full sync is complete, and when the settings say never. */
  readonly nextAuditAt: number | null;
  /** Messages that differed at the last audit; null before the first. */
  readonly drift: number | null;
  readonly push: PushState;
  /** When history must be read once more, whatever is read before: by then what appeared late has settled. null when nothing is awaited. */
  readonly rereadAt: number | null;
  readonly nextPartialSyncAt: number;
  readonly nextSliceAt: number | null;
  /** Epoch ms until which the project's daily budget holds back the backfill; null when it does not. Live syncs go on. */
  readonly heldUntil: number | null;
  readonly pending: number;
  readonly failed: number;
  readonly stored: number;
  /** null before a worker of this version has told it. */
  readonly quota: QuotaUse | null;
  /** Ms that the clock of the worker which answered last is ahead of the server's (below 0: behind); null when it is right, or not known. */
  readonly clockSkew: number | null;
  readonly phaseSince: number;
  readonly syncedAt: number | null;
  readonly lastError: LastError | null;
  readonly counters: { readonly partialSyncs: number; readonly fullSyncs: number; readonly recoveries: number; readonly pokes: number };
}

/** `doubted`: the listing before left doubts, and is made again; what is stored stays usable meanwhile. */
export type FullSyncReason = 'initial' | 'expired' | 'forced' | 'settings' | 'interrupted' | 'doubted';

/** A pause is no lag: what came in it is not counted. */
const NOT_POKED: MailboxState['pokedAt'] = { waiting: null, serving: null };

export function initialState(request: { mailbox: MailboxId; settings: MailboxSettings; named?: SettingsChange | null; now: number }): MailboxState {
  return {
    mailbox: request.mailbox,
    settings: completeSettings(request.settings),
    named: request.named ?? null,
    historyId: null,
    generation: 0,
    fullSync: { kind: 'unknown', resync: false },
    completedGeneration: 0,
    paused: false,
    stopping: false,
    blocked: null,
    rateLimited: null,
    syncs: { requested: 0, started: 0, served: 0 },
    pokedAt: NOT_POKED,
    retries: { requested: 0, served: 0 },
    audits: { requested: 0, served: 0 },
    nextAuditAt: null,
    drift: null,
    push: NO_PUSH,
    rereadAt: null,
    nextPartialSyncAt: request.now,
    nextSliceAt: null,
    heldUntil: null,
    pending: 0,
    failed: 0,
    stored: 0,
    quota: null,
    clockSkew: null,
    phaseSince: request.now,
    syncedAt: null,
    lastError: null,
    counters: { partialSyncs: 0, fullSyncs: 0, recoveries: 0, pokes: 0 },
  };
}

/** What an earlier run carried over, with what its version did not know yet. */
export function carriedState(fresh: MailboxState, carried: MailboxState | null): MailboxState {
  const state = { ...fresh, ...carried };
  return withBoundedTexts({ ...state, blocked: completeBlocked(state.blocked, state.phaseSince) });
}

export function phaseOf(state: MailboxState): Phase {
  if (state.blocked !== null) return state.blocked.kind;
  if (state.paused) return 'paused';
  if (state.rateLimited !== null || backfillHeldUntil(state) !== null) return 'rate-limited';
  if (state.fullSync.kind === 'listing' && state.fullSync.reason === 'expired') return 'recovering';
  if (state.fullSync.kind === 'done' || (state.fullSync.kind === 'listing' && state.fullSync.reason === 'doubted')) return 'live';
  return 'full-sync';
}

/** Epoch ms until which the project's daily budget holds back the backfill; null when it does not. */
export function backfillHeldUntil({ fullSync, heldUntil }: MailboxState): number | null {
  return fullSync.kind === 'fetching' ? heldUntil : null;
}

/** True once the backfill is complete and a partial sync has run after it. */
export function isInSync(state: MailboxState): boolean {
  return state.fullSync.kind === 'done' && state.syncs.served === state.syncs.requested && state.blocked === null;
}

/** After a poke that found nothing, history is read again this soon: it may lag behind the notification. */
const RECHECK_AFTER_QUIET_POKE = 3_000;
/** And once more this long after the poke, a second more than history takes to settle: with push no poll would find soon what came late. */
const REREAD_AFTER_POKE = 31_000;
/** A slice that could do nothing now is not repeated sooner. */
const SLICE_PAUSE = 1_000;

/** Two partial syncs that nobody asked for are at least this far apart. */
const PARTIAL_SYNC_PAUSE = 500;

/** The one place where the state changes. Pure. */
export function transition(state: MailboxState, happened: MailboxEvent, now: number): MailboxState {
  const event = withBoundedMessages(happened);
  const applied = apply(withClock(withAnswer(state, event), event), event, now);
  const next = withAuditDue(withMending(state, applied, event, now), now);
  return phaseOf(next) === phaseOf(state) ? next : { ...next, phaseSince: now };
}

/** An error that the event itself has brought is not over by it. */
function withMending(before: MailboxState, state: MailboxState, event: MailboxEvent, now: number): MailboxState {
  const { lastError } = state;
  return lastError === null || lastError !== before.lastError ? state : { ...state, lastError: afterEvent(lastError, event, now) };
}

/** The first audit is due an interval after the mailbox came in sync for the first time; changed settings count anew. */
function withAuditDue(state: MailboxState, now: number): MailboxState {
  const { auditInterval } = state.settings;
  if (auditInterval === null) return state.nextAuditAt === null ? state : { ...state, nextAuditAt: null };
  return state.nextAuditAt === null && state.fullSync.kind === 'done' ? { ...state, nextAuditAt: now + auditInterval } : state;
}

/** Gmail has answered the question of a blocked mailbox: it goes on where it was. What waited meanwhile is no lag. */
function withAnswer(state: MailboxState, event: MailboxEvent): MailboxState {
  return 'asked' in event && event.asked === true && event.kind !== 'blocked' ? { ...state, blocked: null } : state;
}

/** Each answer of an activity tells of the clock of its worker. */
function withClock(state: MailboxState, event: MailboxEvent): MailboxState {
  const isAnswer = event.kind === 'opened' || event.kind === 'listed' || event.kind === 'slice-fetched' || event.kind === 'partial-synced' || event.kind === 'audited';
  return isAnswer ? { ...state, clockSkew: event.clockSkew ?? null } : state;
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
      return { ...state, pokedAt: NOT_POKED, paused: false, blocked: null, rateLimited: null, nextPartialSyncAt: now, nextSliceAt: state.nextSliceAt === null ? null : now };
    case 'reconnected':
      return { ...state, pokedAt: NOT_POKED, blocked: null, nextPartialSyncAt: now };
    case 'stop-requested':
      return { ...state, stopping: true };
    case 'rate-limited':
      return { ...state, rateLimited: { until: answeredTime(event.waitFor, event.until, now, LONGEST.rateLimit) ?? event.until, message: event.message } };
    case 'configured':
      // The store compares the new settings with those of its last listing; a listing that was wanted is still wanted.
      return { ...state, settings: event.settings, named: state.named === null || event.change === undefined ? null : joinChanges(state.named, event.change), nextAuditAt: event.settings.auditInterval === state.settings.auditInterval ? state.nextAuditAt : null, fullSync: { kind: 'unknown', resync: resyncWanted(state) }, nextPartialSyncAt: now };
    case 'retry-requested':
      return { ...state, retries: { ...state.retries, requested: state.retries.requested + 1 } };
    case 'audit-requested':
      return { ...state, audits: { ...state.audits, requested: state.audits.requested + 1 } };
    case 'audited':
      return { ...state, drift: event.drift, audits: { ...state.audits, served: event.audit ?? state.audits.served }, nextAuditAt: null, rateLimited: null };
    case 'refused':
      return withError(state, { message: event.message, of: 'settings' }, now);
    case 'resync-requested':
      return withFullSync(state, 'forced');
    case 'opened':
      return withOpened(state, event);
    case 'listed':
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
    case 'slice-fetched':
      return withSlice(state, event, now);
    case 'partial-sync-started':
      return withSyncStarted(state, now);
    case 'partial-synced':
      return withPartialSync(state, event, now);
    case 'history-expired':
      return withRecovery(withError(state, { message: event.message, of: 'live' }, now));
    case 'store-lost':
      return { ...withError(state, { message: event.message, of: 'store' }, now), fullSync: { kind: 'unknown', resync: false }, historyId: null };
    case 'blocked':
      return { ...withError(state, { message: event.message, of: event.lane }, now), blocked: afterRefusal(state.blocked, event, now), rateLimited: null };
  }
}

/** What every result says about the mailbox as a whole. */
const countsIn = ({ stored, pending, failed, quota, clockSkew = 0 }: Counts): Pick<MailboxState, 'stored' | 'pending' | 'failed'> & { readonly quota?: QuotaUse } => ({
  stored,
  pending,
  failed,
  // The end is told by the worker's clock, and shown beside the server's.
  ...(quota === undefined ? {} : { quota: { ...quota, finishAt: quota.finishAt === null ? null : quota.finishAt - clockSkew } }),
});

function resyncWanted(state: MailboxState): boolean {
  return state.fullSync.kind === 'unknown' ? state.fullSync.resync : state.fullSync.kind === 'listing';
}

/** The number of the retry that the next slice must serve. */
export function retryWanted({ retries }: MailboxState): { readonly retry?: number } {
  return retries.requested > retries.served ? { retry: retries.requested } : {};
}

/** Since when somebody waits for what the next partial sync brings. */
export function pokeServed({ pokedAt }: MailboxState): { readonly pokedAt?: number } {
  return pokedAt.serving === null ? {} : { pokedAt: pokedAt.serving };
}

/** A blocked mailbox asks whether Gmail answers, before anything else. */
export function questionOf({ blocked }: MailboxState): { readonly ask?: true } {
  return blocked === null ? {} : { ask: true };
}

/** What the result of work says about the question that it was begun with. */
export function answerTo({ blocked }: MailboxState): { readonly asked?: true } {
  return blocked === null ? {} : { asked: true };
}

/** The number of the audit that somebody waits for. */
export function auditWanted({ audits }: MailboxState): { readonly audit?: number } {
  return audits.requested > audits.served ? { audit: audits.requested } : {};
}

function withSyncRequested(state: MailboxState): MailboxState {
  return { ...state, syncs: { ...state.syncs, requested: state.syncs.requested + 1 } };
}

function withPokeCounted(state: MailboxState): MailboxState {
  return { ...state, counters: { ...state.counters, pokes: state.counters.pokes + 1 } };
}

function withPoke(state: MailboxState, now: number): MailboxState {
  // What comes now is rather about this poke than about one before it that found nothing.
  const serving = state.syncs.started > state.syncs.served ? state.pokedAt.serving : null;
  return { ...withSyncRequested(state), pokedAt: { waiting: state.pokedAt.waiting ?? now, serving }, rereadAt: now + REREAD_AFTER_POKE };
}

/** Only a sync that begins late enough is the awaited read: one that began before may have read before, however late it ends. */
function withSyncStarted(state: MailboxState, now: number): MailboxState {
  const { syncs, pokedAt, rereadAt } = state;
  return {
    ...state,
    syncs: { ...syncs, started: syncs.requested },
    pokedAt: state.blocked === null ? { waiting: null, serving: pokedAt.serving ?? pokedAt.waiting } : NOT_POKED,
    rereadAt: rereadAt !== null && rereadAt <= now ? null : rereadAt,
  };
}

function withNotified(state: MailboxState, historyId: HistoryId | null, now: number): MailboxState {
  const counted = withPokeCounted(state);
  // A renewal makes one notification: a second one with the same id is about something else.
  if (isEcho(state.push, historyId, now)) {
    const heard = { ...counted, push: withEcho(withNotification(state.push, { historyId, sync: null }, now)) };
    if (state.push.announces === true) return heard;
    const rereadAt = now + REREAD_AFTER_POKE;
    return { ...heard, rereadAt, nextPartialSyncAt: Math.min(state.nextPartialSyncAt, rereadAt) };
  }
  const requested = withPoke(counted, now);
  return { ...requested, push: withNotification(state.push, { historyId, sync: requested.syncs.requested, rereadAt: state.rereadAt }, now) };
}

/** A new generation. Before the store was asked its number is not known: opening it begins the resync. */
function withFullSync(state: MailboxState, reason: FullSyncReason): MailboxState {
  // An unusable mark stays the reason: live syncs must not begin again because someone asked for a resync meanwhile.
  const expired = state.fullSync.kind === 'listing' && state.fullSync.reason === 'expired';
  if (state.fullSync.kind === 'unknown') return { ...state, fullSync: { kind: 'unknown', resync: true } };
  return { ...state, generation: state.generation + 1, fullSync: { kind: 'listing', reason: expired ? 'expired' : reason } };
}

function withRecovery(state: MailboxState): MailboxState {
  const next = { ...state, generation: state.generation + 1, fullSync: { kind: 'listing', reason: 'expired' } as const };
  return { ...next, counters: { ...state.counters, recoveries: state.counters.recoveries + 1 } };
}

/**
 * The store is asked once, at the start of a workflow's life. It is the truth about itself: an empty store means a full sync,
 * a full one under a new Temporal server goes on with a partial sync from its own mark.
 */
function withOpened(state: MailboxState, event: Extract<MailboxEvent, { kind: 'opened' }>): MailboxState {
  const { historyId, generation } = event;
  const opened = { ...state, settings: event.settings ?? state.settings, named: null, historyId, generation, ...countsIn(event) };
  const listing = (generation: number, reason: FullSyncReason): MailboxState => ({ ...opened, generation, fullSync: { kind: 'listing', reason } });
  // Above the workflow's own number too: an attempt that was given up, under other settings, may still begin that one.
  const next = Math.max(generation, state.generation) + 1;
  if (event.step === 'none') return listing(next, 'initial');
  if (event.settingsChanged) return listing(next, 'settings');
  if (state.fullSync.kind === 'unknown' && state.fullSync.resync) return listing(next, 'forced');
  if (event.step === 'listing') return listing(generation, historyId === null ? 'initial' : 'interrupted');
  if (event.step === 'fetching') return { ...opened, completedGeneration: generation - 1, fullSync: { kind: 'fetching' }, nextSliceAt: 0 };
  // One slice tells when failed messages are due, and whether a late listing is.
  return withSyncRequested({ ...opened, completedGeneration: generation, fullSync: { kind: 'done' }, nextSliceAt: 0 });
}

function withSlice(state: MailboxState, event: Extract<MailboxEvent, { kind: 'slice-fetched' }>, now: number): MailboxState {
  const retries = { ...state.retries, served: event.retried ?? state.retries.served };
  const counted = { ...state, retries, ...countsIn(event), rateLimited: null, heldUntil: answeredTime(event.heldFor, event.heldUntil ?? null, now, LONGEST.held) };
  if (event.generation !== state.generation || state.fullSync.kind === 'listing' || state.fullSync.kind === 'unknown') return counted;
  const longest = event.complete ? LONGEST.failed : event.heldFor === undefined ? LONGEST.pending : LONGEST.held;
  const attemptAt = answeredTime(event.nextAttemptIn, event.nextAttemptAt, now, longest);
  const nextSliceAt = attemptAt === null ? null : Math.max(attemptAt, event.fetched > 0 ? 0 : now + SLICE_PAUSE);
  if (!event.complete) {
    // What is left waits for a later attempt (not found yet, or stale): history may settle it sooner.
    const waits = nextSliceAt !== null && nextSliceAt > now;
    return { ...counted, nextSliceAt, nextPartialSyncAt: waits ? Math.min(state.nextPartialSyncAt, now) : state.nextPartialSyncAt };
  }
  if (state.fullSync.kind === 'done' && event.isDoubted === true) return withFullSync({ ...counted, nextSliceAt: null }, 'doubted');
  if (state.fullSync.kind === 'done') return { ...counted, nextSliceAt };
  // One more partial sync: the mailbox is in sync once it has seen what came during the backfill.
  return {
    ...withSyncRequested(counted),
    fullSync: { kind: 'done' },
    completedGeneration: state.generation,
    nextSliceAt,
    counters: { ...state.counters, fullSyncs: state.counters.fullSyncs + 1 },
  };
}

function withPartialSync(state: MailboxState, event: Extract<MailboxEvent, { kind: 'partial-synced' }>, now: number): MailboxState {
  const poked = state.syncs.started > state.syncs.served;
  const quietPoke = poked && !event.changed;
  const watch = event.watch == null ? null : answeredWatch(event.watch, now);
  const push = withSyncedPush(state.push, { ...event, watch }, state.historyId, now);
  // The one poke that waits was made by the sync itself: nobody waits any more.
  const echoed = wasEcho(state.push, push, state.syncs);
  const served = echoed ? state.syncs.requested : state.syncs.started;
  const awaited = echoed && push.announces === true ? (state.push.told?.rereadAt ?? null) : state.rereadAt;
  const rereadAt = later(awaited, answeredTime(event.settleIn, event.settleAt, now, LONGEST.settle));
  const pokedAt = { waiting: echoed ? null : state.pokedAt.waiting, serving: event.more || (!event.changed && rereadAt !== null) ? state.pokedAt.serving : null };
  const attemptAt = answeredTime(event.nextAttemptIn, event.nextAttemptAt, now, LONGEST.failed);
  const times = [now + pollDelay(push, state.settings.pollInterval, now), attemptAt, rereadAt, quietPoke ? now + RECHECK_AFTER_QUIET_POKE : null];
  const told = event.watchRefusal === undefined ? state : withError(state, { message: event.watchRefusal, of: 'push' }, now);
  return {
    ...told,
    historyId: event.historyId,
    push: echoed ? withEcho(push) : push,
    syncs: event.more ? state.syncs : { ...state.syncs, started: served, served },
    pokedAt,
    rereadAt,
    nextPartialSyncAt: event.more ? now : Math.max(now + PARTIAL_SYNC_PAUSE, Math.min(...times.filter((time) => time !== null))),
    rateLimited: null,
    ...countsIn(event),
    syncedAt: now,
    nextSliceAt: earlier(state.nextSliceAt, answeredTime(event.failedAttemptIn, event.failedAttemptAt, now, LONGEST.failed)),
    counters: { ...state.counters, partialSyncs: state.counters.partialSyncs + 1 },
  };
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

function later(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

function withError(state: MailboxState, error: Pick<LastError, 'message' | 'of'>, now: number): MailboxState {
  return { ...state, lastError: { ...error, at: now, mendedAt: null } };
}
