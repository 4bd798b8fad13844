import type { MailboxId } from '../model/ids.ts';
import type { Lane } from '../model/lane.ts';
import { withBoundedTimes } from './answered-time.ts';
import { earlierRetryAt } from './blocked.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import { phaseOf, type MailboxState } from './mailbox-state.ts';
import { DELIVERY_LANES, type DeliveryLane } from './delivery-lane.ts';
import { deliveriesOf, deliversBesideSync, deliveryDueAt } from './delivery-state.ts';
import { eventsDueAt } from './events-state.ts';
import { planNext, type BackfillWork, type Plan } from './plan.ts';
import { transition } from './transition.ts';

// The loop of a mailbox without Temporal: when a lane begins, what cancels it, whether its answer still counts, and how
// long to wait. It is pure, except that it asks for patches (Ways). The workflow and the random schedules of
// test/schedules both run it.

/**
 * The lanes of a mailbox's workflow: two that talk to Gmail, two that deliver to subscriptions, and one that keeps
 * events for these.
 */
export type WorkLane = Lane | DeliveryLane | 'events';

const WORK_LANES: readonly WorkLane[] = ['live', 'backfill', ...DELIVERY_LANES, 'events'];

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
  /** Begin deliveries together with the sync that serves a poke; before, they began when its result was there. */
  deliversBesideSyncs(): boolean;
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
  const next = withEvent({ ...lanes, unblockings }, event, now, ways);
  const cancel = cancelledBy(event).filter((lane) => next.running[lane] !== null);
  return { lanes: { ...next, running: withCancelled(next.running, cancel) }, cancel };
}

/** Live syncs depend neither on the settings nor on the generation, so changing those cancels only the backfill. */
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

function withEvent(lanes: LaneState, event: MailboxEvent, now: number, ways: Ways): LaneState {
  const bounded = withBoundedTimes(event, now);
  const believed = bounded === event || !ways.boundsTimes() ? event : bounded;
  return { ...lanes, state: withAskTime(transition(lanes.state, believed, now), lanes.state, ways) };
}

/** A state that an event has blocked, or a refused question, asks again when the run's version does. */
function withAskTime(state: MailboxState, before: MailboxState, ways: Ways): MailboxState {
  const { blocked } = state;
  if (blocked === null || blocked === before.blocked) return state;
  const retryAt = earlierRetryAt(blocked);
  return retryAt === null || ways.boundsAsks() ? state : { ...state, blocked: { ...blocked, retryAt } };
}

/** What the lanes should do now. */
export function planOf({ state }: LaneState, now: number, ways: Ways): Plan {
  const waitsForPerson = state.blocked !== null && !ways.asksAgain();
  const plan = waitsForPerson ? { live: null, backfill: null, wakeAt: null } : planNext(state, now);
  const noting = withNoting(plan, { state, now, ways });
  return DELIVERY_LANES.reduce((before, lane) => withDeliveries(before, lane, { state, now, ways }), noting);
}

/**
 * Deliveries ask nothing of Gmail, so they go on while the mailbox is blocked. They wait while it is paused, and until
 * the store has been asked.
 *
 * One that begins beside a sync is the lane's only one, like any other: order within a mailbox does not depend on when
 * it begins. If it dies, or the sync takes longer than it waits, the sync's result asks for another one.
 */
function withDeliveries(
  plan: Plan,
  lane: DeliveryLane,
  { state, now, ways }: { readonly state: MailboxState; readonly now: number; readonly ways: Ways },
): Plan {
  const deliveries = deliveriesOf(state, lane);
  const dueAt = deliveryDueAt(deliveries);
  const isBeside = servesPoke(plan, state) && deliversBesideSync(deliveries);
  if (dueAt === null && !isBeside) return plan;
  if (isSilent(state) || !ways.delivers()) return plan;
  if (dueAt !== null && dueAt <= now) return { ...plan, deliver: [...(plan.deliver ?? []), lane] };
  const beside = isBeside && ways.deliversBesideSyncs() ? { deliverBeside: [...(plan.deliverBeside ?? []), lane] } : {};
  return { ...plan, ...beside, wakeAt: dueAt === null ? plan.wakeAt : Math.min(plan.wakeAt ?? Infinity, dueAt) };
}

/** Whether nothing is delivered now: the mailbox is paused or ends, or the store has not been asked. */
const isSilent = ({ paused, stopping, fullSync }: MailboxState): boolean =>
  paused || stopping || fullSync.kind === 'unknown';

/** Only a notification says that there is something to bring: nothing is delivered beside a sync that merely looks. */
const servesPoke = ({ live }: Plan, { pokedAt, blocked }: MailboxState): boolean =>
  live !== null && blocked === null && pokedAt.waiting !== null;

/** Events are kept under the conditions of deliveries, which bring them. */
function withNoting(
  plan: Plan,
  { state, now, ways }: { readonly state: MailboxState; readonly now: number; readonly ways: Ways },
): Plan {
  const dueAt = eventsDueAt(state.events);
  if (dueAt === null) return plan;
  if (isSilent(state) || !ways.notesEvents()) return plan;
  return dueAt <= now ? { ...plan, note: true } : { ...plan, wakeAt: Math.min(plan.wakeAt ?? Infinity, dueAt) };
}

/** Work that a lane can begin. */
export type LaneStart =
  | { readonly lane: 'live' }
  /** `awaits`: it begins together with a sync, whose changes it awaits for a moment. */
  | { readonly lane: DeliveryLane; readonly awaits: boolean }
  | { readonly lane: 'events' }
  | { readonly lane: 'backfill'; readonly work: BackfillWork };

/**
 * The work of a plan that can begin now, in the order in which to begin it.
 *
 * @param cutsHistory - whether the history waits to be cut. Then no backfill begins, and live syncs begin only while a
 * backfill is still running, or a delivery whose target takes its time. Deliveries begin only beside a backfill, so
 * that the lanes end, and so does keeping events
 */
export function startable(
  { running }: LaneState,
  { live, backfill, deliver = [], deliverBeside = [], note }: Plan,
  cutsHistory: boolean,
): readonly LaneStart[] {
  const starts: LaneStart[] = [];
  if (backfill !== null && running.backfill === null && !cutsHistory) starts.push({ lane: 'backfill', work: backfill });
  const beginsLive =
    live !== null &&
    running.live === null &&
    (!cutsHistory || running.backfill !== null || DELIVERY_LANES.some((lane) => running[lane] !== null));
  if (beginsLive) starts.push({ lane: 'live' });
  for (const lane of deliver)
    if (running[lane] === null && (!cutsHistory || running.backfill !== null)) starts.push({ lane, awaits: false });
  for (const lane of deliverBeside)
    if (beginsLive && running[lane] === null && !cutsHistory) starts.push({ lane, awaits: true });
  if (note === true && running.events === null && (!cutsHistory || running.backfill !== null))
    starts.push({ lane: 'events' });
  return starts;
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
  const begun = start === null ? lanes : withEvent(lanes, start, now, ways);
  return { ...begun, running: { ...begun.running, [lane]: { under: begun.unblockings, isCancelled: false } } };
}

/** The work of a lane has ended with this event. The lane stays busy until it is {@link freed}. */
export function answered(lanes: LaneState, lane: WorkLane, answer: MailboxEvent, now: number, ways: Ways): LaneState {
  const work = lanes.running[lane];
  return work === null || !counts(lanes, work, answer, ways) ? lanes : withEvent(lanes, answer, now, ways);
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

/** The search attributes by which operators filter mailboxes. */
export interface ShownState {
  readonly phase: string;
  readonly failed: number;
  readonly drift: number | null;
  readonly address: MailboxId | null;
}

export function shownOf(state: MailboxState): ShownState {
  return { phase: phaseOf(state), failed: state.failed, drift: state.drift, address: state.push.address ?? null };
}

export function isShown(shown: ShownState | null, state: MailboxState): boolean {
  const { phase, failed, drift, address } = shownOf(state);
  return (
    shown !== null &&
    shown.phase === phase &&
    shown.failed === failed &&
    shown.drift === drift &&
    shown.address === address
  );
}

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
