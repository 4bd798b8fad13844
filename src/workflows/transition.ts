import { blockedAfter } from './blocked.ts';
import { answeredTime, LONGEST } from './answered-time.ts';
import { withBoundedMessages } from './bounded-messages.ts';
import { isOfSync, withDeliverable, withDeliveryEvent } from './delivery-transitions.ts';
import {
  withFullSync,
  withListing,
  withLostStore,
  withOpened,
  withRecovery,
  withSettings,
  withSlice,
} from './full-sync-transitions.ts';
import { afterEvent } from './last-error.ts';
import type { EventOf, MailboxEvent } from './mailbox-event.ts';
import { NOT_POKED, phaseOf, type MailboxState } from './mailbox-state.ts';
import { withNoticed } from './notice-events.ts';
import { withPartialSync } from './partial-sync-transition.ts';
import { errorIn, withError } from './state-errors.ts';
import { withNotified, withPoke, withPokeCounted, withSyncRequested, withSyncStarted } from './sync-requests.ts';

/** The one place where the state changes. Pure. */
export function transition(state: MailboxState, happened: MailboxEvent, now: number): MailboxState {
  const event = withBoundedMessages(happened);
  const applied = apply(withDeliverable(withClock(withAnswer(state, event), event), event, now), event, now);
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

/** Takes the skew of the worker's clock, and the worker's database, from each activity's result. */
function withClock(state: MailboxState, event: MailboxEvent): MailboxState {
  return isOfSync(event) || event.kind === 'delivered'
    ? {
        ...state,
        clockSkew: event.clockSkew ?? null,
        gmailClockSkew: event.gmailClockSkew ?? null,
        store: event.store ?? state.store,
      }
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
      return withDeliveryEvent(state, event, now);
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

function withAudit(state: MailboxState, event: EventOf<'audited'>): MailboxState {
  return {
    ...state,
    drift: event.drift,
    audits: { ...state.audits, served: event.audit ?? state.audits.served },
    nextAuditAt: null,
    rateLimited: null,
  };
}

function withRateLimit(state: MailboxState, event: EventOf<'rate-limited'>, now: number): MailboxState {
  const until = answeredTime(event.waitFor, event.until, now, LONGEST.rateLimit) ?? event.until;
  return { ...state, rateLimited: { until, message: event.message } };
}

function withRefusal(state: MailboxState, event: EventOf<'blocked'>, now: number): MailboxState {
  return { ...state, blocked: blockedAfter(state.blocked, event, now), rateLimited: null };
}
