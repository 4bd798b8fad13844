import {
  condition,
  log,
  patched,
  proxySinks,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { MailboxId } from '../model/ids.ts';
import { runBackfill, runDelivery, runLive, runNoting } from './activity-lanes.ts';
import type { ClockSinks } from './clock-sinks.ts';
import { detailsOf } from './details.ts';
import { LaneRunner } from './lane-runner.ts';
import { planOf, startable, type LaneStart } from './lane-plan.ts';
import {
  answered,
  freed,
  idleLanes,
  isIdle,
  received,
  started,
  type LaneState,
  type Ways,
  type WorkLane,
} from './lane-scheduler.ts';
import { isOver, waitTime, type Wait } from './lane-wait.ts';
import { isShown, shownOf, type ShownState } from './shown-state.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';
import type { Plan } from './plan.ts';
import { ADDRESS_ATTRIBUTE, DRIFT_ATTRIBUTE, FAILED_ATTRIBUTE, PHASE_ATTRIBUTE } from './search-attributes.ts';

/** The history is cut after this many events, unless the server suggests it earlier. */
const HISTORY_LIMIT = 400;

/**
 * One run of a mailbox's workflow: carries out, by Temporal's commands, what the lane scheduler decides. The order of
 * the commands must not change.
 */
export class MailboxRun {
  /** The mailbox id to which the state is handed over at the end. */
  heir: MailboxId | null = null;
  #lanes: LaneState;
  #shown: ShownState | null = null;
  #waitsOn = false;
  readonly #isFirst: boolean;
  readonly #runner = new LaneRunner({
    answered: (lane, answer) => this.#answer(lane, answer),
    freed: (lane) => {
      this.#lanes = freed(this.#lanes, lane);
    },
  });
  readonly #clock = proxySinks<ClockSinks>().clock;
  readonly #ways: Ways = {
    waitsOn: () => this.#waitsOn,
    asksAgain: () => patched('ask-again'),
    boundsAsks: () => patched('asks-a-day'),
    ignoresStaleRefusals: () => patched('stale-refusal'),
    boundsTimes: () => patched('bounded-times'),
    delivers: () => patched('delivery'),
    deliversBesideSyncs: () => patched('delivery-beside-sync'),
    notesEvents: () => patched('events'),
    looks: () => patched('look'),
  };

  /** @param isFirst - whether this is the workflow's first run */
  constructor(state: MailboxState, { isFirst }: { readonly isFirst: boolean }) {
    this.#lanes = idleLanes(state);
    this.#isFirst = isFirst;
  }

  get state(): MailboxState {
    return this.#lanes.state;
  }

  get isIdle(): boolean {
    return isIdle(this.#lanes);
  }

  /** Whether events are left that the store does not hold yet. If there is an heir, it takes them over. */
  get keepsLastEvents(): boolean {
    const { events, fullSync } = this.state;
    const isWaiting = events.pending.length > 0 && fullSync.kind !== 'unknown' && this.heir === null;
    return isWaiting && patched('last-events');
  }

  /** Called once, after the handlers are registered. A run that began without the patch continues without it. */
  begin(): void {
    this.#waitsOn = patched('wait-on');
  }

  /** A signal or an update. */
  receive(event: MailboxEvent): void {
    const now = Date.now();
    const { lanes, cancel } = received(this.#lanes, event, now, this.#ways);
    this.#enter(lanes, now);
    this.#runner.cancel(cancel);
  }

  isHistoryLong(): boolean {
    return workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > HISTORY_LIMIT;
  }

  /**
   * Starts the lanes that can begin.
   *
   * @returns the plan that they follow
   */
  startLanes(cutsHistory: boolean): Plan {
    const plan = planOf(this.#lanes, Date.now(), this.#ways);
    for (const start of startable(this.#lanes, plan, cutsHistory)) this.#start(start);
    return plan;
  }

  /** Waits until something can begin, the state must be shown again, or the plan changes with time. */
  async untilNews(plan: Plan, cutsHistory: boolean): Promise<void> {
    const wait: Wait = { before: this.#lanes, plan, shown: this.#shown, cutsHistory };
    const over = (): boolean => isOver(wait, this.#lanes, this.isHistoryLong(), Date.now(), this.#ways);
    const time = waitTime(plan, Date.now());
    if (time === null) await condition(over);
    else
      await condition(over, time, {
        summary:
          this.state.blocked === null ? 'until the next partial sync or attempt is due' : 'until Gmail is asked again',
      });
  }

  /** Shows the state on the workflow's page, and in the search attributes by which operators filter mailboxes. */
  show(): void {
    const { state } = this;
    setCurrentDetails(detailsOf(state));
    if (isShown(this.#shown, state)) return;
    const shown = shownOf(state);
    const before = this.#shown?.phase ?? null;
    if (shown.phase !== before && (before !== null || this.#isFirst))
      log.info(`phase ${shown.phase}`, { phase: shown.phase, before });
    this.#shown = shown;
    // A new run begins with the attributes of the run before it.
    const carried = workflowInfo().typedSearchAttributes.get(ADDRESS_ATTRIBUTE) ?? null;
    upsertSearchAttributes([
      { key: PHASE_ATTRIBUTE, value: shown.phase },
      { key: FAILED_ATTRIBUTE, value: shown.failed },
      ...(shown.drift === null ? [] : [{ key: DRIFT_ATTRIBUTE, value: shown.drift }]),
      ...(shown.address === carried ? [] : [{ key: ADDRESS_ATTRIBUTE, value: shown.address }]),
    ]);
  }

  #start(start: LaneStart): void {
    const { state } = this;
    const now = Date.now();
    this.#enter(started(this.#lanes, start.lane, now, this.#ways), now);
    this.#runner.start(start.lane, () => {
      switch (start.lane) {
        case 'live':
          return runLive(this.state, start);
        case 'backfill':
          return runBackfill(state, start.work);
        case 'delivery':
        case 'webhook':
          return runDelivery(state, start);
        case 'events':
          return runNoting(state);
      }
    });
  }

  #answer(lane: WorkLane, answer: MailboxEvent): void {
    const now = Date.now();
    this.#enter(answered(this.#lanes, lane, answer, now, this.#ways), now);
  }

  #enter(lanes: LaneState, now: number): void {
    this.#lanes = lanes;
    setCurrentDetails(detailsOf(lanes.state));
    this.#clock.seen(now);
  }
}
