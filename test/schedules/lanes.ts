import type { ActivityDependencies, ActivityRun } from '../../src/activities/dependencies.ts';
import { audit } from '../../src/activities/audit.ts';
import { outcomeOf } from '../../src/activities/failures.ts';
import { fetchSlice } from '../../src/activities/fetch-slice.ts';
import { fullSync, recover } from '../../src/activities/full-sync.ts';
import { openMailbox } from '../../src/activities/open-mailbox.ts';
import { partialSync } from '../../src/activities/partial-sync.ts';
import type { MailboxSettings } from '../../src/model/settings.ts';
import type { Clock } from '../../src/model/clock.ts';
import { failureEvent, type FailedWork } from '../../src/workflows/failure-event.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { answerTo, auditWanted, pokeServed, questionOf, retryWanted } from '../../src/workflows/lane-requests.ts';
import { transition } from '../../src/workflows/transition.ts';
import type { MailboxState } from '../../src/workflows/mailbox-state.ts';
import { planNext, type BackfillWork } from '../../src/workflows/plan.ts';
import type { Attempt, Attempts } from './attempts.ts';

/** Why a wait ended early; an error of its own would be made for each. */
const AWAKE = Symbol('awake');

type Activity = (deps: ActivityDependencies, run: ActivityRun) => Promise<MailboxEvent>;

/** What a server does of Temporal for one mailbox: keeps the state, starts lanes by the plan, retries attempts. Its own death loses nothing. */
export class Lanes {
  state: MailboxState;
  /** Audits that found a difference: in a schedule no row is ever damaged. */
  drifts = 0;
  /** An error that nothing foresaw: it ends the lanes, for it must not be retried for ever. */
  defect: Error | null = null;
  #wake = Promise.withResolvers<undefined>();
  readonly #busy = { live: false, backfill: false };
  readonly #clock: Clock;
  readonly #attempts: Attempts;
  #ended = false;
  #configurations = 0;

  constructor(state: MailboxState, clock: Clock, attempts: Attempts) {
    this.state = state;
    this.#clock = clock;
    this.#attempts = attempts;
  }

  get idle(): boolean {
    return !this.#busy.live && !this.#busy.backfill;
  }

  dispatch(event: MailboxEvent): void {
    if (event.kind === 'audited' && event.drift > 0) this.drifts += 1;
    this.state = transition(this.state, event, this.#clock.now());
    this.#wake.resolve(undefined);
  }

  end(): void {
    this.#ended = true;
    this.#wake.resolve(undefined);
  }

  async run(): Promise<void> {
    while (!this.#ended) {
      const plan = planNext(this.state, this.#clock.now());
      this.#wake = Promise.withResolvers<undefined>();
      if (plan.backfill !== null && !this.#busy.backfill) this.#start('backfill', backfillActivity(this.state, plan.backfill));
      if (plan.live !== null && !this.#busy.live) {
        this.state = transition(this.state, { kind: 'partial-sync-started' }, this.#clock.now());
        this.#start('live', liveActivity(this.state));
      }
      const waits: Promise<unknown>[] = [this.#wake.promise];
      const canceller = new AbortController();
      if (plan.wakeAt !== null) waits.push(this.#clock.sleep(Math.max(1, plan.wakeAt - this.#clock.now()), canceller.signal).catch(() => undefined));
      await Promise.race(waits);
      canceller.abort(AWAKE);
    }
  }

  /** As the workflow does: the lane is cancelled, and what it still answers is not heard. Its attempt goes on to its end. */
  configure(settings: MailboxSettings): void {
    this.#configurations += 1;
    this.dispatch({ kind: 'configured', settings });
  }

  #start(lane: 'live' | 'backfill', activity: Activity): void {
    this.#busy[lane] = true;
    const under = this.#configurations;
    const asked = this.state.blocked !== null;
    const isCancelled = (): boolean => lane === 'backfill' && this.#configurations !== under;
    void this.#retry(activity, { lane, asked }, isCancelled).then((event) => {
      this.#busy[lane] = false;
      if (event === null || isCancelled()) this.#wake.resolve(undefined);
      else this.dispatch(event);
    }).catch((error: unknown) => {
      this.defect = error instanceof Error ? error : new Error('an activity threw what is no error', { cause: error });
      this.end();
    });
  }

  /** Temporal's retry policy: an attempt that dies is noticed by its missing heartbeat, one that fails is repeated with growing delays. */
  async #retry(activity: Activity, work: FailedWork, isCancelled: () => boolean): Promise<MailboxEvent | null> {
    for (let attempt = 1; ; attempt++) {
      if (isCancelled()) return null;
      const result = await this.#attempts.run((one: Attempt) => activity(one.deps, one.run));
      if (result.kind === 'completed') return result.value;
      let delay = Math.min(1_000 * 2 ** (attempt - 1), 60_000);
      if (result.kind === 'failed') {
        const outcome = outcomeOf(result.error, this.state.mailbox, this.#clock.now());
        // A defect must end the schedule, not be retried for ever.
        if (outcome === null) throw result.error;
        if (outcome.next.kind === 'stop') return failureEvent(outcome.type, outcome.message, work);
        if (outcome.next.kind === 'wait') delay = outcome.next.until - this.#clock.now();
      }
      await this.#clock.sleep(delay);
    }
  }
}

function liveActivity(state: MailboxState): Activity {
  const { mailbox, historyId } = state;
  return async (deps, run) => ({ kind: 'partial-synced', ...(await partialSync(deps, { mailbox, historyId, ...pokeServed(state), ...questionOf(state) }, run)), ...answerTo(state) });
}

function backfillActivity(state: MailboxState, work: BackfillWork): Activity {
  const { mailbox, settings, generation } = state;
  const question = questionOf(state);
  const answer = answerTo(state);
  switch (work.activity) {
    case 'openMailbox':
      return async (deps) => ({ kind: 'opened', ...(await openMailbox(deps, { mailbox, settings })) });
    case 'fullSync':
      return async (deps, run) => ({ kind: 'listed', ...(await fullSync(deps, { mailbox, settings, generation, ...question }, run)), ...answer });
    case 'recover':
      return async (deps, run) => ({ kind: 'listed', ...(await recover(deps, { mailbox, settings, generation, ...question }, run)), ...answer });
    case 'audit':
      return async (deps, run) => ({ kind: 'audited', ...(await audit(deps, { mailbox, ...auditWanted(state), ...question }, run)), ...answer });
    case 'fetchSlice':
      return async (deps, run) => ({ kind: 'slice-fetched', ...(await fetchSlice(deps, { mailbox, ...retryWanted(state), ...question }, run)), ...answer });
  }
}
