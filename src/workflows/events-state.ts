import type { EventDetails, NotedEvent } from '../model/subscribed-event.ts';

/**
 * What a mailbox's workflow knows of the events that subscriptions can ask for. The store keeps them; they wait here
 * until it has them. Plain JSON, part of the workflow's state; times are epoch ms.
 */
export interface EventsState {
  /** Events that the store does not hold yet, oldest first. */
  readonly pending: readonly NotedEvent[];
  /** How many events there have been. The number is a part of each event's id. */
  readonly noticed: number;
  /** True once an event said that consent is needed, until new credentials come or the mailbox is in sync. */
  readonly asksConsent: boolean;
  /** The events that follow once the mailbox is in sync. */
  readonly awaited: { readonly recovered: boolean; readonly inSync: boolean };
  /** When the pending events are sent to the store again after a failure; null when nothing has failed. */
  readonly retryAt: number | null;
}

export const NO_EVENTS: EventsState = {
  pending: [],
  noticed: 0,
  asksConsent: false,
  awaited: { recovered: false, inSync: false },
  retryAt: null,
};

/** The state carries at most this many events: an outage of the store brings fewer. */
const MOST_PENDING = 50;
/** Ms after a failure until events are sent to the store again. */
const AFTER_FAILURE = 60_000;

// Pure.

/** When events can be kept (epoch ms): null while there are none. */
export const eventsDueAt = ({ pending, retryAt }: EventsState): number | null =>
  pending.length === 0 ? null : (retryAt ?? 0);

/** The state with more events to follow once the mailbox is in sync. */
export function withAwaited(events: EventsState, more: Partial<EventsState['awaited']>): EventsState {
  return { ...events, awaited: { ...events.awaited, ...more } };
}

/** The state with one more event. Its id stays the same after continue-as-new and under another address. */
export function withNoted(events: EventsState, details: EventDetails, at: number): EventsState {
  const noticed = events.noticed + 1;
  const pending = [...events.pending, { id: `${at}-${noticed}`, at, details }].slice(-MOST_PENDING);
  const added = { ...events, noticed, pending };
  return details.kind === 'needs-consent' ? withAwaited(added, { inSync: true }) : added;
}

/** The store holds these now. */
export function withKept(events: EventsState, ids: readonly string[]): EventsState {
  return { ...events, pending: events.pending.filter(({ id }) => !ids.includes(id)), retryAt: null };
}

export const withFailure = (events: EventsState, now: number): EventsState => ({
  ...events,
  retryAt: now + AFTER_FAILURE,
});

/** The events of a state that an earlier version carried over: a backfill that had begun leads to an event, too. */
export function completeEvents(carried: Partial<EventsState> | undefined, fullSync: string): EventsState {
  if (carried !== undefined) return { ...NO_EVENTS, ...carried };
  return fullSync === 'fetching' ? withAwaited(NO_EVENTS, { inSync: true }) : NO_EVENTS;
}
