import { DELIVERY_LANES, type DeliveryLane } from './delivery-lane.ts';
import { deliveriesOf, deliversBesideSync, deliveryDueAt } from './delivery-state.ts';
import { eventsDueAt } from './events-state.ts';
import type { LaneState, Ways } from './lane-scheduler.ts';
import { withLook } from './look.ts';
import type { MailboxState } from './mailbox-state.ts';
import { planNext, type BackfillWork, type Plan } from './plan.ts';

/** What the lanes should do now. */
export function planOf(lanes: LaneState, now: number, ways: Ways): Plan {
  const { state } = lanes;
  const waitsForPerson = state.blocked !== null && !ways.asksAgain();
  const plan = waitsForPerson ? { live: null, backfill: null, wakeAt: null } : planNext(state, now);
  const noting = withNoting(plan, { state, now, ways });
  const whole = DELIVERY_LANES.reduce((before, lane) => withDeliveries(before, lane, { state, now, ways }), noting);
  return withLook(whole, { lanes, now, ways });
}

/**
 * Deliveries ask nothing of Gmail, so they go on while the mailbox is blocked. They wait while it is paused, and until
 * the store has been asked.
 *
 * A delivery beside a sync is the only delivery of its lane, like any other, so the order within a mailbox stays the
 * same. If it dies, or ends before the sync has brought its changes, the sync's result asks for another delivery.
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

/** Only a poke promises that the sync brings something: no delivery begins beside a sync that merely looks. */
const servesPoke = ({ live }: Plan, { pokedAt, blocked }: MailboxState): boolean =>
  live !== null && blocked === null && pokedAt.waiting !== null;

/** Events are kept only when deliveries may begin, since deliveries take them to subscribers. */
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
  /** `looks`: a look comes first, and the sync only if there is something to do. */
  | { readonly lane: 'live'; readonly looks?: true }
  /** `awaits`: it begins together with a sync, whose changes it awaits for a moment. */
  | { readonly lane: DeliveryLane; readonly awaits: boolean }
  | { readonly lane: 'events' }
  | { readonly lane: 'backfill'; readonly work: BackfillWork };

/**
 * The work of a plan that can begin now, in the order in which to begin it.
 *
 * @param cutsHistory - whether the history waits to be cut, for which all lanes must be idle. Then no backfill begins.
 * Live syncs begin only while a backfill or a delivery is still running. Deliveries, and the work that keeps events,
 * begin only while a backfill is still running
 */
export function startable(
  { running }: LaneState,
  { live, looks, backfill, deliver = [], deliverBeside = [], note }: Plan,
  cutsHistory: boolean,
): readonly LaneStart[] {
  const starts: LaneStart[] = [];
  if (backfill !== null && running.backfill === null && !cutsHistory) starts.push({ lane: 'backfill', work: backfill });
  const beginsLive =
    live !== null &&
    running.live === null &&
    (!cutsHistory || running.backfill !== null || DELIVERY_LANES.some((lane) => running[lane] !== null));
  if (beginsLive) starts.push({ lane: 'live', ...(looks === true ? { looks } : {}) });
  for (const lane of deliver)
    if (running[lane] === null && (!cutsHistory || running.backfill !== null)) starts.push({ lane, awaits: false });
  for (const lane of deliverBeside)
    if (beginsLive && running[lane] === null && !cutsHistory) starts.push({ lane, awaits: true });
  if (note === true && running.events === null && (!cutsHistory || running.backfill !== null))
    starts.push({ lane: 'events' });
  return starts;
}
