import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  log,
  patched,
  proxySinks,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { withBoundedTimes } from './answered-time.ts';
import { endWatch, runBackfill, runLive } from './activity-lanes.ts';
import * as definitions from './definitions.ts';
import type { ClockSinks } from './clock-sinks.ts';
import type { MailboxInput, MailboxResult } from './definitions.ts';
import { configurationEvent } from './configuration-event.ts';
import type { MailboxId } from '../model/ids.ts';
import { withLists } from '../model/settings-change.ts';
import { detailsOf } from './details.ts';
import { handOverTarget, pokeEvent, rateLimitedEvent, requireNumber } from './handler-arguments.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import { transition } from './transition.ts';
import { carriedState } from './carried-state.ts';
import { initialState, isInSync, phaseOf } from './mailbox-state.ts';
import { InvalidInputError, mailboxInput, type StartedMailbox } from './mailbox-input.ts';
import { planNext, type Plan } from './plan.ts';
import { DRIFT_ATTRIBUTE, FAILED_ATTRIBUTE, PHASE_ATTRIBUTE } from './search-attributes.ts';
import { statusOf } from './status.ts';

/** Events after which the history is cut, if the server does not suggest it before. */
const HISTORY_LIMIT = 400;

/**
 * One mailbox, for years. Two lanes run beside each other: the live lane (partial syncs) and the backfill lane (full syncs).
 * What they should do is a pure function of the state (`planNext`); whatever happens is an event that changes it (`transition`).
 */
export async function mailbox(argument: MailboxInput): Promise<MailboxResult> {
  const input = startedWith(argument);
  // An earlier version may have carried less.
  let state = carriedState(initialState({ ...input, now: Date.now() }), input.carried);
  let shown: { phase: string | null; failed: number | null; drift: number | null } = { phase: null, failed: null, drift: null };
  /** The mailbox id to which the state is handed over at the end. */
  let heir: MailboxId | null = null;
  const { clock } = proxySinks<ClockSinks>();
  /** How often somebody ended a wait of this run. */
  let unblockings = 0;
  const lanes: { live: CancellationScope | null; backfill: CancellationScope | null } = { live: null, backfill: null };

  const dispatch = (event: MailboxEvent): void => {
    const now = Date.now();
    const bounded = withBoundedTimes(event, now);
    // Before, any time was believed: only runs in which one is not get the marker.
    const believed = bounded === event || !patched('bounded-times') ? event : bounded;
    state = transition(state, believed, now);
    setCurrentDetails(detailsOf(state));
    clock.seen(now);
  };

  // ── handlers: registered before the first await ──
  setHandler(definitions.poke, (notification) => dispatch(pokeEvent(notification)));
  setHandler(definitions.pause, () => {
    dispatch({ kind: 'paused' });
    cancelLanes();
  });
  setHandler(definitions.resume, () => unblock('resumed'));
  setHandler(definitions.reconnect, () => unblock('reconnected'));
  setHandler(definitions.stop, () => {
    dispatch({ kind: 'stop-requested' });
    cancelLanes();
  });
  setHandler(definitions.handOver, (argument) => {
    const to = state.stopping ? null : handOverTarget(argument);
    if (to === null) return;
    heir = to;
    dispatch({ kind: 'stop-requested' });
    cancelLanes();
  });
  setHandler(definitions.configure, (change) => {
    const heard = withLists(change);
    // Before, a list that is null was refused.
    const event = configurationEvent(state, heard === change || !patched('null-lists') ? change : heard);
    dispatch(event);
    if (event.kind === 'configured') lanes.backfill?.cancel();
  });
  setHandler(definitions.retryFailures, () => dispatch({ kind: 'retry-requested' }));
  setHandler(definitions.rateLimited, (wait) => {
    const event = rateLimitedEvent(wait);
    if (event !== null) dispatch(event);
  });
  setHandler(definitions.forceResync, () => beginResync());
  setHandler(definitions.resync, async () => {
    // The generation's number is known once the store was asked.
    await condition(() => state.fullSync.kind !== 'unknown' || state.stopping, definitions.AWAIT_BOUND);
    beginResync();
    return { generation: state.generation };
  });
  setHandler(definitions.awaitResync, ({ generation }) => awaiting(() => state.completedGeneration >= generation && isInSync(state)), { validator: requireNumber('generation') });
  setHandler(definitions.sync, () => {
    dispatch({ kind: 'sync-requested' });
    return { sync: state.syncs.requested };
  });
  setHandler(definitions.awaitSync, ({ sync }) => awaiting(() => state.syncs.served >= sync), { validator: requireNumber('sync') });
  setHandler(definitions.audit, () => {
    dispatch({ kind: 'audit-requested' });
    return { audit: state.audits.requested };
  });
  setHandler(definitions.awaitAudit, ({ audit }) => awaiting(() => state.audits.served >= audit), { validator: requireNumber('audit') });
  setHandler(definitions.status, () => statusOf(state));

  // Before, whatever happened ended a wait and began another: a timer more for each signal that changed nothing of the plan.
  const waitsOn = patched('wait-on');

  // ── main ──
  try {
    while (!state.stopping) {
      show();
      const cutHistory = isHistoryLong();
      if (cutHistory && idle()) await carryOn();
      const plan = nextPlan();
      startLanes(plan, cutHistory);
      await nextWake(plan, cutHistory);
    }
    await condition(idle);
    if (state.push.watch !== null && heir === null) await endWatch(state);
    show();
    await condition(allHandlersFinished);
    const { historyId, counters } = state;
    const handedOver = heir === null ? {} : { handedOver: { to: heir, state: { ...state, stopping: false } } };
    return { historyId, partialSyncs: counters.partialSyncs, fullSyncs: counters.fullSyncs, ...handedOver };
  } catch (error) {
    // Cancelled from outside: the lanes are cancelled with the root scope; their work is safe in the store.
    if (isCancellation(error)) {
      await CancellationScope.nonCancellable(async () => {
        await condition(idle);
        if (state.push.watch !== null) await endWatch(state);
      });
    }
    throw error;
  }

  /** Before, a blocked mailbox waited for a person alone. A run that began so goes over with the first signal that finds it blocked. */
  function nextPlan(): Plan {
    const isWaiting = state.blocked !== null && !patched('ask-again');
    return isWaiting ? { live: null, backfill: null, wakeAt: null } : planNext(state, Date.now());
  }

  /** While the history waits to be cut no new slice begins; live syncs go on until the slice under way has ended. */
  function startLanes(plan: Plan, cutHistory: boolean): void {
    if (plan.backfill !== null && mayStart('backfill', cutHistory)) {
      const work = plan.backfill;
      startLane('backfill', () => runBackfill(state, work));
    }
    if (plan.live !== null && mayStart('live', cutHistory)) {
      dispatch({ kind: 'partial-sync-started' });
      startLane('live', () => runLive(state));
    }
  }

  function mayStart(lane: 'live' | 'backfill', cutHistory: boolean): boolean {
    return lanes[lane] === null && (!cutHistory || (lane === 'live' && lanes.backfill !== null));
  }

  function startLane(lane: 'live' | 'backfill', run: () => Promise<MailboxEvent>): void {
    const scope = new CancellationScope();
    const under = unblockings;
    lanes[lane] = scope;
    void scope
      .run(run)
      .then((event) => {
        // What a cancelled lane still answers was asked under a state that is gone (other settings, another generation): it is asked again.
        if (scope.consideredCancelled) return;
        // Nor does a refusal from before somebody ended the wait say anything about after: the work is done again. Before, it blocked the mailbox anew.
        if (event.kind === 'blocked' && under !== unblockings && patched('stale-refusal')) return;
        dispatch(event);
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      })
      .finally(() => {
        lanes[lane] = null;
      });
  }

  /** Returns when something can be started, when the state must be shown anew, or when the plan changes by time. */
  async function nextWake(plan: Plan, cutHistory: boolean): Promise<void> {
    const before = { state, ...lanes };
    const hasMoved = (): boolean => state !== before.state || lanes.live !== before.live || lanes.backfill !== before.backfill;
    const isNews = (): boolean => {
      if (!waitsOn) return true;
      const now = nextPlan();
      const starts = (now.live !== null && mayStart('live', cutHistory)) || (now.backfill !== null && mayStart('backfill', cutHistory));
      return starts || now.wakeAt !== plan.wakeAt || isShownOtherwise() || isHistoryLong() !== cutHistory;
    };
    const changed = (): boolean => (hasMoved() && isNews()) || state.stopping || (cutHistory && idle());
    const wait = plan.wakeAt === null ? null : Math.max(plan.wakeAt - Date.now(), 1);
    if (wait === null) await condition(changed);
    else await condition(changed, wait, { summary: state.blocked === null ? 'until the next partial sync or attempt is due' : 'until Gmail is asked again' });
  }

  function unblock(kind: 'resumed' | 'reconnected'): void {
    unblockings += 1;
    dispatch({ kind });
  }

  function idle(): boolean {
    return lanes.live === null && lanes.backfill === null;
  }

  function cancelLanes(): void {
    lanes.live?.cancel();
    lanes.backfill?.cancel();
  }

  function beginResync(): void {
    dispatch({ kind: 'resync-requested' });
    lanes.backfill?.cancel();
  }

  async function awaiting(reached: () => boolean): Promise<definitions.AwaitResult> {
    const done = await condition(() => reached() || state.stopping || state.blocked !== null, definitions.AWAIT_BOUND);
    return { done: done && reached(), phase: phaseOf(state), lastError: state.blocked?.message ?? state.lastError?.message ?? null };
  }

  function isShownOtherwise(): boolean {
    return phaseOf(state) !== shown.phase || state.failed !== shown.failed || state.drift !== shown.drift;
  }

  function isHistoryLong(): boolean {
    return workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > HISTORY_LIMIT;
  }

  function show(): void {
    setCurrentDetails(detailsOf(state));
    if (!isShownOtherwise()) return;
    const phase = phaseOf(state);
    if (phase !== shown.phase && (shown.phase !== null || input.carried === null)) log.info(`phase ${phase}`, { phase, before: shown.phase });
    shown = { phase, failed: state.failed, drift: state.drift };
    upsertSearchAttributes([
      { key: PHASE_ATTRIBUTE, value: phase },
      { key: FAILED_ATTRIBUTE, value: state.failed },
      ...(state.drift === null ? [] : [{ key: DRIFT_ATTRIBUTE, value: state.drift }]),
    ]);
  }

  /** Signals that arrive before the command is accepted make the server run this task again, so none is lost. */
  async function carryOn(): Promise<void> {
    await condition(allHandlersFinished);
    await continueAsNew<typeof mailbox>({ mailbox: state.mailbox, settings: state.settings, carried: state });
  }
}

/** A workflow task that throws is tried for ever; a workflow that fails shows its sentence to whoever started it. */
function startedWith(argument: unknown): StartedMailbox {
  try {
    return mailboxInput(argument, workflowInfo().workflowId);
  } catch (error) {
    if (error instanceof InvalidInputError) throw ApplicationFailure.nonRetryable(error.message, 'InvalidInput');
    throw error;
  }
}
