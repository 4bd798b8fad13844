import type { DeliverResult } from '../activities/requests.ts';
import { answeredTime, LONGEST } from './answered-time.ts';
import type { DeliveryLane } from './delivery-lane.ts';

/**
 * What a mailbox's workflow knows of deliveries by one lane. The store knows the rest. Plain JSON, part of the
 * workflow's state.
 */
export interface DeliveryState {
  /**
   * Numbers of deliveries, like those of partial syncs: `requested` grows when an activity leaves something to deliver,
   * or a signal asks for it; `started` becomes equal to `requested` when the lane begins.
   */
  readonly requested: number;
  readonly started: number;
  /** When the next attempt is due (epoch ms); null when none waits. */
  readonly nextAt: number | null;
  /** The first subscriptions whose next attempt waits. `waits` counts all of them. */
  readonly waiting: readonly WaitingDelivery[];
  readonly waits: number;
  /** True when a target would get a new change at once; absent otherwise. */
  readonly listening?: true | undefined;
  /** How many deliveries in a row began beside a sync in vain; absent before the first. */
  readonly fruitless?: number;
  /**
   * The sequence number up to which results have asked for deliveries. Absent when no request is open, and when one of
   * the open requests names no sequence number.
   */
  readonly wantedUpTo?: number | undefined;
  /**
   * Deliveries have looked at every change up to this sequence number since the last partial sync began; absent before
   * they have.
   */
  readonly seen?: number | undefined;
}

export interface WaitingDelivery {
  readonly subscription: string;
  readonly why: DeliverResult['waiting'][number]['why'];
  /** Since when it waits, and until when (epoch ms). */
  readonly since: number;
  readonly until: number;
}

export const NO_DELIVERIES: DeliveryState = { requested: 0, started: 0, nextAt: null, waiting: [], waits: 0 };

/** Ms until deliveries are tried again after a failure that was not a target's. */
const AFTER_FAILURE = 60_000;

/** Both lanes, as the state holds them. */
interface DeliveryStates {
  readonly deliveries: DeliveryState;
  readonly webhooks: DeliveryState;
}

// Pure.

export const deliveriesOf = ({ deliveries, webhooks }: DeliveryStates, lane: DeliveryLane): DeliveryState =>
  lane === 'webhook' ? webhooks : deliveries;

/** The state with what one lane knows changed. */
export function changeDeliveries<State extends DeliveryStates>(
  state: State,
  lane: DeliveryLane,
  change: (deliveries: DeliveryState) => DeliveryState,
): State {
  return lane === 'webhook'
    ? { ...state, webhooks: change(state.webhooks) }
    : { ...state, deliveries: change(state.deliveries) };
}

/** A signal asks for deliveries, or the result of a worker of an earlier version does. */
export const withDeliveryRequested = (state: DeliveryState): DeliveryState => ({
  ...state,
  requested: state.requested + 1,
  wantedUpTo: undefined,
});

/**
 * A result leaves changes to deliver. A delivery beside a sync may have looked at those changes already, or may still
 * do so. It says which changes it has seen, so that no further delivery begins only to find nothing. A sequence number
 * from before a database was restored delays deliveries until the next sync at most, because results ask again as long
 * as something is left.
 *
 * @param upTo - the sequence number up to which the result has looked
 */
export function withChangesFound(state: DeliveryState, upTo: number | undefined): DeliveryState {
  if (upTo === undefined) return withDeliveryRequested(state);
  if (state.seen !== undefined && upTo <= state.seen) return state;
  const isFirst = state.requested === state.started;
  const wantedUpTo = isFirst ? upTo : state.wantedUpTo === undefined ? undefined : Math.max(state.wantedUpTo, upTo);
  return { ...state, requested: state.requested + 1, wantedUpTo };
}

/** Notes whether a target would get a new change at once, as a result says. */
export const withListening = (state: DeliveryState, isListening: boolean): DeliveryState => ({
  ...state,
  listening: isListening ? true : undefined,
});

/**
 * Notes when the next attempt is due, as a sync's result says. A delivery says the same, but a pause may have cancelled
 * it, and a workflow that begins has had none. Attempts never begin later than they would without this.
 */
export function withNextAttempt(state: DeliveryState, nextIn: number | undefined, now: number): DeliveryState {
  const at = answeredTime(nextIn, null, now, LONGEST.delivery);
  if (at === null || (state.nextAt !== null && state.nextAt <= at)) return state;
  return { ...state, nextAt: at };
}

/** A sync begins: from now on, only what deliveries see after its beginning counts as seen. */
export const withSyncBeside = (state: DeliveryState): DeliveryState =>
  state.seen === undefined ? state : { ...state, seen: undefined };

/** After this many fruitless deliveries in a row, no delivery begins beside a sync until changes are found. */
const MOST_FRUITLESS = 3;

/** Whether a delivery begins together with a sync, so that its target gets what the sync brings within milliseconds. */
export const deliversBesideSync = ({ listening, fruitless = 0 }: DeliveryState): boolean =>
  listening === true && fruitless < MOST_FRUITLESS;

export const withDeliveryStarted = (state: DeliveryState): DeliveryState => ({
  ...state,
  started: state.requested,
  nextAt: null,
  wantedUpTo: undefined,
});

export function withDelivered(
  state: DeliveryState,
  result: DeliverResult & { readonly awaited?: true },
  now: number,
): DeliveryState {
  const { seen, attempts = 0, awaited } = result;
  const isServed = seen !== undefined && state.wantedUpTo !== undefined && state.wantedUpTo <= seen;
  const served = isServed ? { ...state, started: state.requested, wantedUpTo: undefined } : state;
  const next = result.more ? withDeliveryRequested(served) : served;
  return {
    ...next,
    seen: result.more ? undefined : seen,
    fruitless: attempts > 0 ? 0 : (state.fruitless ?? 0) + (awaited === true ? 1 : 0),
    nextAt: answeredTime(result.nextIn, null, now, LONGEST.delivery),
    waiting: result.waiting.map(({ subscription, why, nextIn }) => ({
      subscription,
      why,
      since: state.waiting.find((before) => before.subscription === subscription)?.since ?? now,
      until: now + Math.min(Math.max(0, nextIn), LONGEST.delivery),
    })),
    waits: result.waits,
  };
}

export const withDeliveryFailed = (state: DeliveryState, now: number): DeliveryState => ({
  ...state,
  nextAt: now + AFTER_FAILURE,
});

/** No worker took a delivery beside a sync. Subscriptions that waited for their next attempt are attempted later. */
export const withNotTaken = (state: DeliveryState, now: number): DeliveryState => ({
  ...state,
  fruitless: (state.fruitless ?? 0) + 1,
  nextAt: state.waiting.length > 0 ? now + AFTER_FAILURE : null,
});

/** When deliveries can begin (epoch ms): 0 once some were requested, null while there is nothing to deliver. */
export const deliveryDueAt = ({ requested, started, nextAt }: DeliveryState): number | null =>
  requested > started ? 0 : nextAt;
