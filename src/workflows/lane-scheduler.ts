import type { Lane } from '../model/lane.ts';
import { withBoundedTimes } from './answered-time.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import { phaseOf, type MailboxState } from './mailbox-state.ts';
import { planNext, type BackfillWork, type Plan } from './plan.ts';
import { transition } from './transition.ts';

// The loop of a mailbox without Temporal: which lane begins when, what cancels it, whether its answer still counts, and
// how long to wait. Pure, except for the patches that it asks for. The workflow and the random schedules of
// test/schedules both run it.

/** A mailbox's state and the lanes that run for it. */
export interface LaneState {
  readonly state: MailboxState;
  readonly running: Readonly<Record<Lane, RunningLane | null>>;
  /** How often somebody ended a block or a pause in this run. */
  readonly unblockings: number;
}

/** Work that has begun and not ended; work that is cancelled may still take its time to end. */
interface RunningLane {
  /** `unblockings` when it began. */
  readonly under: number;
  readonly isCancelled: boolean;
}

/**
 * Which of two ways a run takes: today's, or the one that it was recorded with. Each is asked for only where the ways
 * differ, because a workflow that asks (`patched`) writes a marker into its history.
 */
export interface Ways {
  /**
   * Wait on after an event that changes nothing of the plan; before, every event began another wait, and another timer.
   */
  waitsOn(): boolean;
  /** A blocked mailbox asks again by itself; before, it waited for a person. */
  asksAgain(): boolean;
  /** Ignore a refusal of work that began before a person ended the block; before, it blocked the mailbox again. */
  ignoresStaleRefusals(): boolean;
  /** Bound the times that an event brings; before, any time was believed. */
  boundsTimes(): boolean;
}

export function idleLanes(state: MailboxState): LaneState {
  return { state, running: { live: null, backfill: null }, unblockings: 0 };
}

export function isIdle({ running }: LaneState): boolean {
  return running.live === null && running.backfill === null;
}

/**
 * A signal or an update.
 *
 * @returns the lanes after it, and those that it cancels, which includes any that was cancelled before and still runs
 */
export function received(
  lanes: LaneState,
  event: MailboxEvent,
  now: number,
  ways: Ways,
): { readonly lanes: LaneState; readonly cancel: readonly Lane[] } {
  const unblockings = lanes.unblockings + (event.kind === 'resumed' || event.kind === 'reconnected' ? 1 : 0);
  const next = withEvent({ ...lanes, unblockings }, event, now, ways);
  const cancel = cancelledBy(event).filter((lane) => next.running[lane] !== null);
  return { lanes: { ...next, running: withCancelled(next.running, cancel) }, cancel };
}

/** Live syncs do not depend on the settings, nor on the generation. */
function cancelledBy({ kind }: MailboxEvent): readonly Lane[] {
  if (kind === 'paused' || kind === 'stop-requested') return ['live', 'backfill'];
  return kind === 'configured' || kind === 'resync-requested' ? ['backfill'] : [];
}

function withCancelled(running: LaneState['running'], cancelled: readonly Lane[]): LaneState['running'] {
  const cancel = (lane: Lane): RunningLane | null => {
    const work = running[lane];
    return work !== null && cancelled.includes(lane) ? { ...work, isCancelled: true } : work;
  };
  return { live: cancel('live'), backfill: cancel('backfill') };
}

function withEvent(lanes: LaneState, event: MailboxEvent, now: number, ways: Ways): LaneState {
  const bounded = withBoundedTimes(event, now);
  const believed = bounded === event || !ways.boundsTimes() ? event : bounded;
  return { ...lanes, state: transition(lanes.state, believed, now) };
}

/** What is to be done now. */
export function planOf({ state }: LaneState, now: number, ways: Ways): Plan {
  const waitsForPerson = state.blocked !== null && !ways.asksAgain();
  return waitsForPerson ? { live: null, backfill: null, wakeAt: null } : planNext(state, now);
}

/** Work that a lane can begin. */
export type LaneStart = { readonly lane: 'live' } | { readonly lane: 'backfill'; readonly work: BackfillWork };

/**
 * What of a plan can begin, in this order.
 *
 * @param cutsHistory - while the history waits to be cut no backfill begins; live syncs go on until the backfill under
 * way has ended
 */
export function startable(
  { running }: LaneState,
  { live, backfill }: Plan,
  cutsHistory: boolean,
): readonly LaneStart[] {
  const starts: LaneStart[] = [];
  if (backfill !== null && running.backfill === null && !cutsHistory) starts.push({ lane: 'backfill', work: backfill });
  if (live !== null && running.live === null && (!cutsHistory || running.backfill !== null))
    starts.push({ lane: 'live' });
  return starts;
}

/** A lane has begun what its plan says. */
export function started(lanes: LaneState, lane: Lane, now: number, ways: Ways): LaneState {
  const begun = lane === 'live' ? withEvent(lanes, { kind: 'partial-sync-started' }, now, ways) : lanes;
  return { ...begun, running: { ...begun.running, [lane]: { under: begun.unblockings, isCancelled: false } } };
}

/** The work of a lane has ended in this event. The lane stays busy until it is {@link freed}. */
export function answered(lanes: LaneState, lane: Lane, answer: MailboxEvent, now: number, ways: Ways): LaneState {
  const work = lanes.running[lane];
  return work === null || !counts(lanes, work, answer, ways) ? lanes : withEvent(lanes, answer, now, ways);
}

/** The work of a lane has ended, whether it answered or was cancelled before that. */
export function freed(lanes: LaneState, lane: Lane): LaneState {
  return { ...lanes, running: { ...lanes.running, [lane]: null } };
}

/**
 * Work that was cancelled answers about a state that is gone (other settings, another generation), and is done again. A
 * refusal from before a person ended the block says nothing about after: that work is done again, too.
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

/** What an operator filters mailboxes by. */
export interface Shown {
  readonly phase: string;
  readonly failed: number;
  readonly drift: number | null;
}

export function shownOf(state: MailboxState): Shown {
  return { phase: phaseOf(state), failed: state.failed, drift: state.drift };
}

export function isShown(shown: Shown | null, state: MailboxState): boolean {
  return (
    shown !== null && shown.phase === phaseOf(state) && shown.failed === state.failed && shown.drift === state.drift
  );
}

/** What a wait began with. */
export interface Wait {
  readonly before: LaneState;
  readonly plan: Plan;
  readonly shown: Shown | null;
  readonly cutsHistory: boolean;
}

/** Ms after which the plan changes by itself; null when only an event changes it. */
export function waitTime({ wakeAt }: Plan, now: number): number | null {
  return wakeAt === null ? null : Math.max(wakeAt - now, 1);
}

/** Whether a wait ends: something can begin, the state must be shown again, or the plan changes at another time. */
export function isOver(wait: Wait, lanes: LaneState, isHistoryLong: boolean, now: number, ways: Ways): boolean {
  const isWoken = hasMoved(wait.before, lanes) && isNews(wait, lanes, isHistoryLong, now, ways);
  return isWoken || lanes.state.stopping || (wait.cutsHistory && isIdle(lanes));
}

/** No lane begins while the loop waits, so one that has moved has ended. */
function hasMoved(before: LaneState, { state, running }: LaneState): boolean {
  const hasEnded = (lane: Lane): boolean => before.running[lane] !== null && running[lane] === null;
  return state !== before.state || hasEnded('live') || hasEnded('backfill');
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
