import type { QuotaUse } from '../activities/requests.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import { completeSettings, type SettingsChange } from '../model/settings-change.ts';
import { type Blocked } from './blocked.ts';
import { type LastError } from './last-error.ts';
import type { Phase } from './phase.ts';
import { NO_PUSH, type PushState } from './push-state.ts';

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
export const NOT_POKED: MailboxState['pokedAt'] = { waiting: null, serving: null };

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

