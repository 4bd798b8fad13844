import type { DeliverResult } from '../activities/requests.ts';
import { answeredTime, LONGEST } from './answered-time.ts';
import type { DeliveryLane } from './delivery-lane.ts';

/**
 * What a mailbox's workflow knows of deliveries by one lane. The store knows the rest. Plain JSON, part of the
 * workflow's state.
 */
export interface DeliveryState {
  /**
   * Numbers of deliveries, as those of partial syncs: `requested` grows when an activity leaves something to deliver
   * or a signal says so; `started` becomes equal to it when the lane begins.
   */
  readonly requested: number;
  readonly started: number;
  /** When the next attempt is due (epoch ms); null when none waits. */
  readonly nextAt: number | null;
  /** The first subscriptions whose attempt waits, and how many they are. */
  readonly waiting: readonly WaitingDelivery[];
  readonly waits: number;
}

export interface WaitingDelivery {
  readonly subscription: string;
  readonly why: DeliverResult['waiting'][number]['why'];
  /** Since when, and until when it waits now (epoch ms). */
  readonly since: number;
  readonly until: number;
}

export const NO_DELIVERIES: DeliveryState = { requested: 0, started: 0, nextAt: null, waiting: [], waits: 0 };

/** Ms until deliveries are tried again that failed for another reason than their targets. */
const AFTER_FAILURE = 60_000;

/** Both lanes, as the state holds them. */
interface Deliveries {
  readonly deliveries: DeliveryState;
  readonly webhooks: DeliveryState;
}

// Pure.

export const deliveriesOf = ({ deliveries, webhooks }: Deliveries, lane: DeliveryLane): DeliveryState =>
  lane === 'webhook' ? webhooks : deliveries;

/** The state with what one lane knows changed. */
export function changeDeliveries<State extends Deliveries>(
  state: State,
  lane: DeliveryLane,
  change: (deliveries: DeliveryState) => DeliveryState,
): State {
  return lane === 'webhook'
    ? { ...state, webhooks: change(state.webhooks) }
    : { ...state, deliveries: change(state.deliveries) };
}

export const withDeliveryRequested = (state: DeliveryState): DeliveryState => ({
  ...state,
  requested: state.requested + 1,
});

export const withDeliveryStarted = (state: DeliveryState): DeliveryState => ({
  ...state,
  started: state.requested,
  nextAt: null,
});

export function withDelivered(state: DeliveryState, result: DeliverResult, now: number): DeliveryState {
  const next = result.more ? withDeliveryRequested(state) : state;
  return {
    ...next,
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

/** When deliveries can begin (epoch ms): 0 once some were requested, null while there are none to make. */
export const deliveryDueAt = ({ requested, started, nextAt }: DeliveryState): number | null =>
  requested > started ? 0 : nextAt;
