import { planOf, startable } from './lane-plan.ts';
import { isIdle, WORK_LANES, type LaneState, type Ways, type WorkLane } from './lane-scheduler.ts';
import type { Plan } from './plan.ts';
import { isShown, type ShownState } from './shown-state.ts';

/** The situation in which a wait began. */
export interface Wait {
  readonly before: LaneState;
  readonly plan: Plan;
  readonly shown: ShownState | null;
  readonly cutsHistory: boolean;
}

/** Ms after which the plan changes by itself; null when only an event changes it. */
export function waitTime({ wakeAt }: Plan, now: number): number | null {
  return wakeAt === null ? null : Math.max(wakeAt - now, 1);
}

/** Whether a wait ends: something can begin, the state must be shown again, or the plan now changes at another time. */
export function isOver(wait: Wait, lanes: LaneState, isHistoryLong: boolean, now: number, ways: Ways): boolean {
  const isWoken = hasMoved(wait.before, lanes) && isNews(wait, lanes, isHistoryLong, now, ways);
  return isWoken || lanes.state.stopping || (wait.cutsHistory && isIdle(lanes));
}

/** No lane begins while the loop waits, so a lane whose state differs has ended. */
function hasMoved(before: LaneState, { state, running }: LaneState): boolean {
  const hasEnded = (lane: WorkLane): boolean => before.running[lane] !== null && running[lane] === null;
  return state !== before.state || WORK_LANES.some(hasEnded);
}

function isNews(
  { plan, shown, cutsHistory }: Wait,
  lanes: LaneState,
  isHistoryLong: boolean,
  now: number,
  ways: Ways,
): boolean {
  if (!ways.waitsOn()) return true;
  const next = planOf(lanes, now, ways);
  const canBegin = startable(lanes, next, cutsHistory).length > 0;
  return canBegin || next.wakeAt !== plan.wakeAt || !isShown(shown, lanes.state) || isHistoryLong !== cutsHistory;
}
