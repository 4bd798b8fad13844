import type { EventDetails, NotedEvent } from '../model/subscribed-event.ts';

/**
 * What a mailbox's workflow knows of the events that subscriptions can ask for. The store keeps them for ever; here
 * they wait until it does. Plain JSON, part of the workflow's state; times are epoch ms.
 */
export interface EventsState {
  /** Events that the store does not hold yet, oldest first. */
  readonly pending: readonly NotedEvent[];
  /** How many there were: a part of their ids. */
  readonly noticed: number;
  /** True once a subscriber was told that consent is needed, until new credentials come or the mailbox is in sync. */
  readonly asksConsent: boolean;
  /** What is to be told once the mailbox is in sync. */
  readonly awaited: { readonly recovered: boolean; readonly inSync: boolean };
  /** When keeping them is tried again that failed for another reason than the store; null when nothing has failed. */
  readonly retryAt: number | null;
}

export const NO_EVENTS: EventsState = {
  pending: [],
  noticed: 0,
  asksConsent: false,
  awaited: { recovered: false, inSync: false },
  retryAt: null,
};

/** They are carried in the state, and more of them than this have not come about while a store was away. */
const MOST_PENDING = 50;
/** Ms until keeping them is tried again. */
const AFTER_FAILURE = 60_000;

// Pure.

/** When events can be kept (epoch ms): null while there are none. */
export const eventsDueAt = ({ pending, retryAt }: EventsState): number | null =>
  pending.length === 0 ? null : (retryAt ?? 0);

/** The state with more that is told once the mailbox is in sync. */
export function withAwaited(events: EventsState, more: Partial<EventsState['awaited']>): EventsState {
  return { ...events, awaited: { ...events.awaited, ...more } };
}

/** The state with one more event. Its id stays the same after continue-as-new and under another address. */
export function withEvent(events: EventsState, details: EventDetails, at: number): EventsState {
  const noticed = events.noticed + 1;
  const pending = [...events.pending, { id: `${at}-${noticed}`, at, details }].slice(-MOST_PENDING);
  const told = { ...events, noticed, pending };
  return details.kind === 'needs-consent' ? withAwaited(told, { inSync: true }) : told;
}

/** The store holds these now. */
export function withKept(events: EventsState, ids: readonly string[]): EventsState {
  return { ...events, pending: events.pending.filter(({ id }) => !ids.includes(id)), retryAt: null };
}

export const withFailure = (events: EventsState, now: number): EventsState => ({
  ...events,
  retryAt: now + AFTER_FAILURE,
});

/** The state that a run of an earlier version carried over: a backfill that it had begun leads to an event, too. */
export function completeEvents(carried: Partial<EventsState> | undefined, fullSync: string): EventsState {
  if (carried !== undefined) return { ...NO_EVENTS, ...carried };
  return fullSync === 'fetching' ? withAwaited(NO_EVENTS, { inSync: true }) : NO_EVENTS;
}
