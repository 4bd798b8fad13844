import type { WorkerDependencies } from '../../src/activities/create-activities.ts';
import type { ActivityRun } from '../../src/activities/dependencies.ts';
import { audit } from '../../src/activities/audit.ts';
import { outcomeOf } from '../../src/activities/failures.ts';
import { fetchSlice } from '../../src/activities/fetch-slice.ts';
import { fullSync, recover } from '../../src/activities/full-sync.ts';
import { openMailbox } from '../../src/activities/open-mailbox.ts';
import { partialSync } from '../../src/activities/partial-sync.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Lane } from '../../src/model/lane.ts';
import type { MailboxSettings } from '../../src/model/settings.ts';
import { carriedState } from '../../src/workflows/carried-state.ts';
import { failureEvent, type FailedWork } from '../../src/workflows/failure-event.ts';
import {
  answered,
  freed,
  idleLanes,
  isIdle,
  isOver,
  planOf,
  received,
  shownOf,
  startable,
  started,
  waitTime,
} from '../../src/workflows/lane-scheduler.ts';
import type { LaneStart, LaneState, Wait } from '../../src/workflows/lane-scheduler.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { answerTo, auditWanted, pokeServed, questionOf, retryWanted } from '../../src/workflows/lane-requests.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import type { BackfillWork } from '../../src/workflows/plan.ts';
import type { Attempt, Attempts } from './attempted-calls.ts';
import { TODAY } from '../workflows/todays-ways.ts';

/** The abort reason of a wait that ends early. Shared, because making an error for each wait would be expensive. */
const AWAKE = Symbol('awake');

/**
 * Steps (events and begun lanes) after which a run's history counts as long. They are few, so that schedules often
 * carry their state over.
 */
const STEPS_PER_RUN = 60;

type Activity = (deps: WorkerDependencies, run: ActivityRun) => Promise<MailboxEvent>;

/**
 * Plays Temporal for one mailbox: runs the workflow's own scheduler, retries attempts, and carries the state over. It
 * never dies, because Temporal loses nothing when its server dies.
 */
export class Lanes {
  /** An unexpected error. It ends the lanes, because it must not be retried forever. */
  defect: Error | null = null;
  #lanes: LaneState;
  #steps = 0;
  #wait: { readonly wait: Wait; readonly wake: () => void } | null = null;
  readonly #cancellers: Record<Lane, AbortController | null> = { live: null, backfill: null };
  readonly #clock: Clock;
  readonly #attempts: Attempts;
  readonly #onDrift: () => void;
  #ended = false;

  /** @param onDrift - called when an audit found a difference */
  constructor(state: MailboxState, clock: Clock, attempts: Attempts, onDrift: () => void = () => undefined) {
    this.#lanes = idleLanes(state);
    this.#clock = clock;
    this.#attempts = attempts;
    this.#onDrift = onDrift;
  }

  get state(): MailboxState {
    return this.#lanes.state;
  }

  get idle(): boolean {
    return isIdle(this.#lanes);
  }

  /** Applies a signal or an update. Work that it cancels continues to the end of its attempt. */
  dispatch(event: MailboxEvent): void {
    const { lanes, cancel } = received(this.#lanes, event, this.#clock.now(), TODAY);
    for (const lane of cancel) this.#cancellers[lane]?.abort(AWAKE);
    this.#enter(lanes);
  }

  configure(settings: MailboxSettings): void {
    this.dispatch({ kind: 'configured', settings });
  }

  end(): void {
    this.#ended = true;
    this.#wait?.wake();
  }

  async run(): Promise<void> {
    while (!this.#ended) {
      const cutsHistory = this.#isHistoryLong();
      if (cutsHistory && this.idle) {
        this.#carryOn();
        continue;
      }
      const shown = shownOf(this.state);
      const plan = planOf(this.#lanes, this.#clock.now(), TODAY);
      for (const start of startable(this.#lanes, plan, cutsHistory)) this.#start(start);
      await this.#untilNews({ before: this.#lanes, plan, shown, cutsHistory });
    }
  }

  #isHistoryLong(): boolean {
    return this.#steps > STEPS_PER_RUN;
  }

  /** Does what continue-as-new does. The carried state passes through JSON. */
  #carryOn(): void {
    const carried = JSON.parse(JSON.stringify(this.state)) as MailboxState;
    this.#lanes = idleLanes(carriedState(initialState({ ...carried, now: this.#clock.now() }), carried));
    this.#steps = 0;
  }

  async #untilNews(wait: Wait): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#wait = { wait, wake: () => resolve(undefined) };
    this.#look();
    const canceller = new AbortController();
    const time = waitTime(wait.plan, this.#clock.now());
    const timer = time === null ? [] : [this.#clock.sleep(time, canceller.signal).catch(() => undefined)];
    await Promise.race([promise, ...timer]);
    canceller.abort(AWAKE);
    this.#wait = null;
  }

  #enter(lanes: LaneState): void {
    this.#lanes = lanes;
    this.#steps += 1;
    this.#look();
  }

  #look(): void {
    if (this.#wait !== null && isOver(this.#wait.wait, this.#lanes, this.#isHistoryLong(), this.#clock.now(), TODAY))
      this.#wait.wake();
  }

  #start(start: LaneStart): void {
    const { lane } = start;
    const asked = this.state.blocked !== null;
    const backfill = start.lane === 'backfill' ? backfillActivity(this.state, start.work) : null;
    this.#enter(started(this.#lanes, lane, this.#clock.now(), TODAY));
    const canceller = new AbortController();
    this.#cancellers[lane] = canceller;
    void this.#retry(backfill ?? liveActivity(this.state), { lane, asked }, canceller.signal)
      .then((answer) => this.#end(lane, answer))
      .catch((error: unknown) => {
        this.defect =
          error instanceof Error ? error : new Error('an activity threw what is no error', { cause: error });
        this.end();
      });
  }

  /** @param answer - null when the lane was cancelled while no attempt was under way */
  #end(lane: Lane, answer: MailboxEvent | null): void {
    const lanes = answer === null ? this.#lanes : answered(this.#lanes, lane, answer, this.#clock.now(), TODAY);
    const counts = lanes !== this.#lanes;
    if (counts && answer?.kind === 'audited' && answer.drift > 0) this.#onDrift();
    this.#enter(freed(lanes, lane));
  }

  /**
   * Temporal's retry policy: an attempt that dies is noticed by its missing heartbeat. An attempt that fails is
   * repeated with growing delays.
   */
  async #retry(activity: Activity, work: FailedWork, cancelled: AbortSignal): Promise<MailboxEvent | null> {
    for (let attempt = 1; ; attempt++) {
      if (cancelled.aborted) return null;
      const result = await this.#attempts.run((one: Attempt) => activity(one.deps, one.run));
      if (result.kind === 'completed') return result.value;
      let delay = Math.min(1_000 * 2 ** (attempt - 1), 60_000);
      if (result.kind === 'failed') {
        const outcome = outcomeOf(result.error, this.state.mailbox, this.#clock.now());
        // A defect must end the schedule, and not be retried forever.
        if (outcome === null) throw result.error;
        if (outcome.next.kind === 'stop') return failureEvent(outcome.type, outcome.message, work);
        if (outcome.next.kind === 'wait') delay = outcome.next.until - this.#clock.now();
      }
      await this.#clock.sleep(delay, cancelled).catch(() => undefined);
    }
  }
}

function liveActivity(state: MailboxState): Activity {
  const { mailbox, historyId } = state;
  return async (deps, run) => ({
    kind: 'partial-synced',
    ...(await partialSync(deps, { mailbox, historyId, ...pokeServed(state), ...questionOf(state) }, run)),
    ...answerTo(state),
  });
}

function backfillActivity(state: MailboxState, work: BackfillWork): Activity {
  const { mailbox, settings, generation } = state;
  const question = questionOf(state);
  const answer = answerTo(state);
  switch (work.activity) {
    case 'openMailbox':
      return async (deps) => ({ kind: 'opened', ...(await openMailbox(deps, { mailbox, settings })) });
    case 'fullSync':
      return async (deps, run) => ({
        kind: 'listed',
        ...(await fullSync(deps, { mailbox, settings, generation, ...question }, run)),
        ...answer,
      });
    case 'recover':
      return async (deps, run) => ({
        kind: 'listed',
        ...(await recover(deps, { mailbox, settings, generation, ...question }, run)),
        ...answer,
      });
    case 'audit':
      return async (deps, run) => ({
        kind: 'audited',
        ...(await audit(deps, { mailbox, ...auditWanted(state), ...question }, run)),
        ...answer,
      });
    case 'fetchSlice':
      return async (deps, run) => ({
        kind: 'slice-fetched',
        ...(await fetchSlice(deps, { mailbox, ...retryWanted(state), ...question }, run)),
        ...answer,
      });
  }
}
