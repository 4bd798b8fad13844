import type { Lane } from '../model/lane.ts';
import { withBoundedTimes } from './answered-time.ts';
import { earlierRetryAt } from './blocked.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';
import { DELIVERY_LANES, type DeliveryLane } from './delivery-lane.ts';
import { transition } from './transition.ts';

// The loop of a mailbox without Temporal: what an event does to the lanes, which lanes it cancels, and whether their
// answers still count. `lane-plan.ts` decides when a lane begins, and `lane-wait.ts` how long to wait. All three are
// pure, except that they ask for patches (Ways). The workflow and the random schedules of test/schedules both run them.

/**
 * The lanes of a mailbox's workflow: two that talk to Gmail, two that deliver to subscriptions, and one that keeps
 * events for them.
 */
export type WorkLane = Lane | DeliveryLane | 'events';

export const WORK_LANES: readonly WorkLane[] = ['live', 'backfill', ...DELIVERY_LANES, 'events'];

/** A mailbox's state and the lanes that run for it. */
export interface LaneState {
  readonly state: MailboxState;
  readonly running: Readonly<Record<WorkLane, RunningLane | null>>;
  /** How often a person resumed or reconnected the mailbox in this run. */
  readonly unblockings: number;
}

/** Work that has begun and not ended. Cancelled work may still take a while to end. */
interface RunningLane {
  /** `unblockings` when the work began. */
  readonly under: number;
  readonly isCancelled: boolean;
}

/**
 * Whether a run behaves as today's code does, or as the code that recorded its history did. A method is called only
 * where the two differ, because asking (`patched`) writes a marker into the workflow's history.
 */
export interface Ways {
  /**
   * Keep waiting after an event that does not change the plan; before, every event began another wait, and another
   * timer.
   */
  waitsOn(): boolean;
  /** Let a blocked mailbox ask Gmail again by itself; before, it waited for a person. */
  asksAgain(): boolean;
  /** Ask only as often as the bounds of calls a day allow; before, other delays lay between questions. */
  boundsAsks(): boolean;
  /** Ignore a refusal of work that began before a person ended the block; before, it blocked the mailbox again. */
  ignoresStaleRefusals(): boolean;
  /** Bound the times that an event brings; before, any time was believed. */
  boundsTimes(): boolean;
  /** Deliver to subscriptions; before, there were no subscriptions. */
  delivers(): boolean;
  /**
   * Begin deliveries together with the sync that serves a poke; before, they began when the sync's result was there.
   */
  deliversBesideSyncs(): boolean;
  /** Take a look first when a poll is due; before, every poll was a partial sync. */
  looks(): boolean;
  /** Keep events for subscriptions; before, there were no events. */
  notesEvents(): boolean;
}

export function idleLanes(state: MailboxState): LaneState {
  return {
    state,
    running: { live: null, backfill: null, delivery: null, webhook: null, events: null },
    unblockings: 0,
  };
}

export function isIdle({ running }: LaneState): boolean {
  return WORK_LANES.every((lane) => running[lane] === null);
}

/**
 * Applies a signal or an update.
 *
 * @returns the lanes afterwards, and which lanes the event cancels. A lane that was cancelled earlier and still runs
 * may be among them
 */
export function received(
  lanes: LaneState,
  event: MailboxEvent,
  now: number,
  ways: Ways,
): { readonly lanes: LaneState; readonly cancel: readonly WorkLane[] } {
  const unblockings = lanes.unblockings + (event.kind === 'resumed' || event.kind === 'reconnected' ? 1 : 0);
  const next = afterTransition({ ...lanes, unblockings }, event, now, ways);
  const cancel = cancelledBy(event).filter((lane) => next.running[lane] !== null);
  return { lanes: { ...next, running: withCancelled(next.running, cancel) }, cancel };
}

/** Live syncs depend neither on the settings nor on the generation, so a change of either cancels only the backfill. */
function cancelledBy({ kind }: MailboxEvent): readonly WorkLane[] {
  if (kind === 'paused' || kind === 'stop-requested') return WORK_LANES;
  return kind === 'configured' || kind === 'resync-requested' ? ['backfill'] : [];
}

function withCancelled(running: LaneState['running'], cancelled: readonly WorkLane[]): LaneState['running'] {
  const cancel = (lane: WorkLane): RunningLane | null => {
    const work = running[lane];
    return work !== null && cancelled.includes(lane) ? { ...work, isCancelled: true } : work;
  };
  return {
    live: cancel('live'),
    backfill: cancel('backfill'),
    delivery: cancel('delivery'),
    webhook: cancel('webhook'),
    events: cancel('events'),
  };
}

function afterTransition(lanes: LaneState, event: MailboxEvent, now: number, ways: Ways): LaneState {
  const bounded = withBoundedTimes(event, now);
  const believed = bounded === event || !ways.boundsTimes() ? event : bounded;
  return { ...lanes, state: withAskTime(transition(lanes.state, believed, now), lanes.state, ways) };
}

/** Sets when a mailbox that an event has just blocked asks again: at the time that belongs to the run's version. */
function withAskTime(state: MailboxState, before: MailboxState, ways: Ways): MailboxState {
  const { blocked } = state;
  if (blocked === null || blocked === before.blocked) return state;
  const retryAt = earlierRetryAt(blocked);
  return retryAt === null || ways.boundsAsks() ? state : { ...state, blocked: { ...blocked, retryAt } };
}

/** What the state learns when a lane begins. */
const STARTS: Readonly<Record<WorkLane, MailboxEvent | null>> = {
  live: { kind: 'partial-sync-started' },
  backfill: null,
  delivery: { kind: 'delivery-started', lane: 'delivery' },
  webhook: { kind: 'delivery-started', lane: 'webhook' },
  events: null,
};

/** A lane has begun its planned work. */
export function started(lanes: LaneState, lane: WorkLane, now: number, ways: Ways): LaneState {
  const start = STARTS[lane];
  const begun = start === null ? lanes : afterTransition(lanes, start, now, ways);
  return { ...begun, running: { ...begun.running, [lane]: { under: begun.unblockings, isCancelled: false } } };
}

/** The work of a lane has ended with this event. The lane stays busy until it is {@link freed}. */
export function answered(lanes: LaneState, lane: WorkLane, answer: MailboxEvent, now: number, ways: Ways): LaneState {
  const work = lanes.running[lane];
  return work === null || !counts(lanes, work, answer, ways) ? lanes : afterTransition(lanes, answer, now, ways);
}

/** The work of a lane has ended, whether it answered or was cancelled before that. */
export function freed(lanes: LaneState, lane: WorkLane): LaneState {
  return { ...lanes, running: { ...lanes.running, [lane]: null } };
}

/**
 * Whether an answer still counts. The answer of cancelled work is about an outdated state (other settings, another
 * generation). A refusal of work that began before a person ended the block does not apply after it. In both cases the
 * work is done again.
 */
function counts(
  { unblockings }: LaneState,
  { under, isCancelled }: RunningLane,
  answer: MailboxEvent,
  ways: Ways,
): boolean {
  if (isCancelled) return false;
  return !(answer.kind === 'blocked' && under !== unblockings && ways.ignoresStaleRefusals());
}
