import type { ConsentCode, EventDetails } from '../model/subscribed-event.ts';
import { NO_EVENTS, withAwaited, withFailure, withKept, withNoted, type EventsState } from './events-state.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import { isInSync, type MailboxState } from './mailbox-state.ts';

// Pure.

/** The state with what an event of the workflow means to subscribers. Called once in each transition. */
export function withNoticed(before: MailboxState, state: MailboxState, event: MailboxEvent, now: number): MailboxState {
  const events = noticed(before, state, event, now);
  return events === state.events ? state : { ...state, events };
}

function noticed(before: MailboxState, state: MailboxState, event: MailboxEvent, now: number): EventsState {
  const { events } = state;
  switch (event.kind) {
    case 'blocked':
      return state.blocked?.kind === 'needs-consent' && !events.asksConsent
        ? { ...withNoted(events, consentNeeded(event, state.blocked.message), now), asksConsent: true }
        : events;
    case 'reconnected':
      // The new credentials may not be enough either: then subscribers get another event.
      return events.asksConsent ? { ...events, asksConsent: false } : events;
    case 'history-expired':
      return withAwaited(events, { recovered: true });
    case 'opened':
      return state.fullSync.kind === 'fetching' ? withAwaited(events, { inSync: true }) : events;
    case 'listed':
      return event.generation === before.generation ? afterListing(before, events) : events;
    case 'partial-synced':
      return event.more || !isInSync(state) ? events : withInSync(events, now);
    case 'events-noted':
      return withKept(events, event.ids);
    case 'events-failed':
      return withFailure(events, now);
    case 'audit-requested':
    case 'audited':
    case 'configured':
    case 'deliver-requested':
    case 'delivered':
    case 'delivery-failed':
    case 'delivery-not-taken':
    case 'delivery-started':
    case 'notified':
    case 'partial-sync-started':
    case 'paused':
    case 'poked':
    case 'rate-limited':
    case 'refused':
    case 'resumed':
    case 'resync-requested':
    case 'retry-requested':
    case 'slice-fetched':
    case 'stop-requested':
    case 'store-lost':
    case 'sync-requested':
      return events;
  }
}

/**
 * A doubted listing is repeated while the mailbox stays in sync, so its end is no event. History may expire before the
 * first listing has ended: then the recovery ends the first full sync, too.
 */
function afterListing({ fullSync, historyId }: MailboxState, events: EventsState): EventsState {
  const reason = fullSync.kind === 'listing' ? fullSync.reason : null;
  if (reason === 'doubted') return events;
  if (reason !== 'expired') return withAwaited(events, { inSync: true });
  return withAwaited(events, { recovered: true, ...(historyId === null ? { inSync: true } : {}) });
}

function withInSync({ awaited, ...others }: EventsState, now: number): EventsState {
  const events = { ...others, awaited: NO_EVENTS.awaited, asksConsent: false };
  const recovered = awaited.recovered ? withNoted(events, { kind: 'recovered' }, now) : events;
  return awaited.inSync ? withNoted(recovered, { kind: 'in-sync' }, now) : recovered;
}

function consentNeeded(
  { code, cause }: { readonly code?: ConsentCode; readonly cause: string },
  reason: string,
): EventDetails {
  return {
    kind: 'needs-consent',
    code: code ?? (cause === 'credentials' ? 'not-connected' : 'access-revoked'),
    reason,
  };
}
