import type { QuotaUse } from '../activities/requests.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import { completeSettings, type SettingsChange } from '../model/settings-change.ts';
import type { StoreMark } from '../model/store-identity.ts';
import { type Blocked } from './blocked.ts';
import { NO_DELIVERIES, type DeliveryState } from './delivery-state.ts';
import { NO_EVENTS, type EventsState } from './events-state.ts';
import { type LastError } from './last-error.ts';
import type { Phase } from './phase.ts';
import { NO_PUSH, type PushState } from './push-state.ts';

/**
 * The state of a mailbox's workflow: plain JSON, carried whole across continue-as-new.
 *
 * # `fullSync`
 * - `unknown`: the store has not been asked. A new workflow starts here, and returns here when the store turns out to
 *   be lost.
 * - `listing`: all ids of generation `generation` are being listed; `reason` says why. With reason `expired` there is
 *   no usable mark, so live syncs stop. With any other reason they go on.
 * - `fetching`: the mark is valid, live syncs run, slices of the backfill run beside them.
 * - `done`: nothing of the backfill is pending; slices run only when a failed message's next attempt comes.
 */
export interface MailboxState {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  /**
   * The settings that have been named so far, when the start did not name all of them. The others are only defaults
   * until the store has been asked. null once all are known.
   */
  readonly named: SettingsChange | null;
  /** The database that holds the mailbox; null until a worker, or the start, has named it. */
  readonly store: StoreMark | null;
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
  /**
   * Set while no work goes on because of a refusal. A signal ends the block, or an answer to one of the mailbox's
   * questions does.
   */
  readonly blocked: Blocked | null;
  /** Gmail asked an activity to wait. The activity's own retry waits, not the workflow. */
  readonly rateLimited: { readonly until: number; readonly message: string } | null;
  /**
   * Numbers of partial syncs. `requested` grows with each poke; `started` becomes equal to it when a sync begins, and
   * `served` when that sync ends. A poke during a sync keeps `requested` above `started`, so another sync follows and
   * no poke is lost.
   */
  readonly syncs: { readonly requested: number; readonly started: number; readonly served: number };
  /**
   * When the first unserved poke came: `waiting` while the poke waits for the next partial sync, `serving` while a sync
   * serves it. History may lag behind the notification, so a sync without changes passes this time on to the following
   * syncs, until a newer poke comes. The time only measures the lag of notifications.
   */
  readonly pokedAt: { readonly waiting: number | null; readonly serving: number | null };
  /**
   * Numbers of retries of failed messages, like those of `syncs`. While `requested` is above `served`, the next slice
   * begins at once and tries all of them.
   */
  readonly retries: { readonly requested: number; readonly served: number };
  /** Numbers of audits that somebody asked for, like those of `syncs`. */
  readonly audits: { readonly requested: number; readonly served: number };
  /**
   * When the next scheduled audit is due; null before the first full sync is complete, and when the settings say never.
   */
  readonly nextAuditAt: number | null;
  /** Deliveries to the handlers of subscriptions, and to their webhooks. */
  readonly deliveries: DeliveryState;
  readonly webhooks: DeliveryState;
  /** What happened to the mailbox, for subscriptions that ask for it. */
  readonly events: EventsState;
  /** Messages that differed at the last audit; null before the first. */
  readonly drift: number | null;
  readonly push: PushState;
  /**
   * When history must be read once more, because late records will have appeared by then. An earlier read does not
   * replace this one. null when no such read is due.
   */
  readonly rereadAt: number | null;
  readonly nextPartialSyncAt: number;
  readonly nextSliceAt: number | null;
  /**
   * Epoch ms until which the project's daily budget holds back the backfill; null when it does not. Live syncs go on.
   */
  readonly heldUntil: number | null;
  readonly pending: number;
  readonly failed: number;
  readonly stored: number;
  /** null before a worker of this version has reported it. */
  readonly quota: QuotaUse | null;
  /**
   * Ms by which the clock of the last worker is ahead of the server's (below 0: behind); null when the clock is right,
   * or not known.
   */
  readonly clockSkew: number | null;
  /** The same for Gmail's clock; null in the states of earlier versions. */
  readonly gmailClockSkew: number | null;
  readonly phaseSince: number;
  readonly syncedAt: number | null;
  readonly lastError: LastError | null;
  readonly counters: {
    readonly partialSyncs: number;
    readonly fullSyncs: number;
    readonly recoveries: number;
    readonly pokes: number;
  };
}

/** `doubted`: the previous listing left doubts and is repeated. The stored messages stay usable meanwhile. */
export type FullSyncReason = 'initial' | 'expired' | 'forced' | 'settings' | 'interrupted' | 'doubted';

/** No poke to measure. Pokes during a pause are not measured, since a pause is not a lag. */
export const NOT_POKED: MailboxState['pokedAt'] = { waiting: null, serving: null };

export function initialState(request: {
  mailbox: MailboxId;
  settings: MailboxSettings;
  named?: SettingsChange | null;
  store?: StoreMark | null;
  now: number;
}): MailboxState {
  return {
    mailbox: request.mailbox,
    settings: completeSettings(request.settings),
    named: request.named ?? null,
    store: request.store ?? null,
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
    deliveries: NO_DELIVERIES,
    webhooks: NO_DELIVERIES,
    events: NO_EVENTS,
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
    gmailClockSkew: null,
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
  if (state.fullSync.kind === 'done' || (state.fullSync.kind === 'listing' && state.fullSync.reason === 'doubted'))
    return 'live';
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
