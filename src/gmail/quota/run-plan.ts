import type { MessageId } from '../../model/ids.ts';
import type { PriceTable } from '../../model/prices.ts';
import type { GmailSession } from '../api/gmail-api.ts';
import { BATCHES_AHEAD, batchUnitsOf } from './batch-units.ts';
import { planFetch, type FetchTarget, type PlannedFetch, type WantedMessage } from './fetch-plan.ts';

/** `sizeEstimate`: bytes, by Gmail's estimate; 0 while that is not known. */
export interface SizedMessage extends WantedMessage {
  readonly sizeEstimate: number;
}

/** Fetches that share one batch request. */
export type FetchBatch<Wanted extends WantedMessage> = readonly PlannedFetch<Wanted>[];

/** The start of a work list, and the form in which its messages are fetched. */
export interface WorkListPart<Wanted extends WantedMessage> {
  readonly wanted: readonly Wanted[];
  readonly target: FetchTarget;
}

export interface FetchRun<Wanted extends SizedMessage> {
  readonly prices: PriceTable;
  /** Quota units that the batches may cost together. */
  readonly unitBudget: number;
  /** Reads the first `limit` messages of the work list; null when there is nothing to fetch for. */
  readonly read: (limit: number) => Promise<WorkListPart<Wanted> | null>;
  /**
   * Fetches one batch and stores it, which takes its messages off the work list or puts them off. Several batches are
   * in flight at once.
   *
   * @returns how many messages were stored
   */
  readonly fetch: (batch: FetchBatch<Wanted>, target: FetchTarget) => Promise<number>;
  /** Called after each batch, with the messages stored and the units spent so far. */
  readonly onProgress: (progress: { readonly fetched: number; readonly units: number }) => void;
}

export interface RunSummary {
  readonly fetched: number;
  /** True when the work list is empty. */
  readonly exhausted: boolean;
}

/** How many messages of the work list are read ahead of the batches in flight. */
const READ_AHEAD = 500;
/** Completions hold whole messages in memory, so a batch of them has at most this many bytes, or one message. */
const LARGEST_COMPLETION = 4 * 2 ** 20;

/**
 * Fetches a work list within a budget, in the cheapest way ({@link planFetch}) and with as many batches in flight as
 * the session's pace allows.
 *
 * @throws the first error of a batch, and the signal's reason when it aborts; only after every batch in flight has
 * ended
 */
export function runPlan<Wanted extends SizedMessage>(
  session: GmailSession,
  run: FetchRun<Wanted>,
  signal: AbortSignal,
): Promise<RunSummary> {
  return new PlanRun(session, run, signal).run();
}

class PlanRun<Wanted extends SizedMessage> {
  readonly #session: GmailSession;
  readonly #run: FetchRun<Wanted>;
  readonly #signal: AbortSignal;
  /** Units that the session had spent before this run. */
  readonly #firstUnit: number;
  readonly #batchUnits: number;
  readonly #queue: PlannedFetch<Wanted>[] = [];
  readonly #flights = new Set<Promise<void>>();
  readonly #inFlight = new Set<MessageId>();
  /** Read with each part of the work list: once the settings' format changes, answers in the old format are useless. */
  #target: FetchTarget | null = null;
  /**
   * Planned units of the batches in flight, which count against the budget beside the units spent. Refused calls cost
   * nothing.
   */
  #underWay = 0;
  #fetched = 0;
  #exhausted = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(session: GmailSession, run: FetchRun<Wanted>, signal: AbortSignal) {
    this.#session = session;
    this.#run = run;
    this.#signal = signal;
    this.#firstUnit = session.unitsSpent();
    this.#batchUnits = batchUnitsOf(run.prices);
  }

  async run(): Promise<RunSummary> {
    for (;;) {
      if (this.#queue.length === 0 && !this.#isHalted()) await this.#refill();
      this.#launchBatches();
      if (this.#flights.size === 0) break;
      await Promise.race(this.#flights);
    }
    this.#signal.throwIfAborted();
    if (this.#failure !== null) throw this.#failure.error;
    return { fetched: this.#fetched, exhausted: this.#exhausted };
  }

  async #refill(): Promise<void> {
    const part = await this.#run.read(this.#inFlight.size + READ_AHEAD);
    this.#target = part?.target ?? null;
    if (part !== null) {
      const fresh = part.wanted.filter((message) => !this.#inFlight.has(message.id));
      this.#queue.push(...planFetch(fresh, part.target, this.#run.prices));
    }
    this.#exhausted = this.#queue.length === 0 && this.#flights.size === 0;
  }

  #launchBatches(): void {
    while (this.#target !== null && this.#queue.length > 0 && this.#mayLaunch()) {
      const size = batchSizeOf(this.#queue, {
        requests: this.#session.batchSize(),
        units: Math.min(this.#unitsLeft(), this.#batchUnits),
      });
      this.#launch(this.#queue.splice(0, size), this.#target);
    }
  }

  #launch(batch: FetchBatch<Wanted>, target: FetchTarget): void {
    for (const planned of batch) this.#underWay += planned.units;
    for (const planned of batch) for (const message of planned.serves) this.#inFlight.add(message.id);
    const flight: Promise<void> = this.#session
      .holding(bytesOf(batch), () => this.#run.fetch(batch, target), this.#signal)
      .then((count) => {
        this.#fetched += count;
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#flights.delete(flight);
        this.#land(batch);
      });
    this.#flights.add(flight);
  }

  #land(batch: FetchBatch<Wanted>): void {
    for (const planned of batch) this.#underWay -= planned.units;
    for (const planned of batch) for (const message of planned.serves) this.#inFlight.delete(message.id);
    this.#run.onProgress({ fetched: this.#fetched, units: this.#unitsSpent() });
  }

  #mayLaunch(): boolean {
    return (
      !this.#isHalted() &&
      this.#flights.size < this.#session.width() &&
      (this.#underWay === 0 || this.#underWay < BATCHES_AHEAD * this.#batchUnits)
    );
  }

  #isHalted(): boolean {
    return this.#failure !== null || this.#signal.aborted || this.#unitsLeft() <= 0;
  }

  #unitsLeft(): number {
    return this.#run.unitBudget - this.#underWay - this.#unitsSpent();
  }

  #unitsSpent(): number {
    return this.#session.unitsSpent() - this.#firstUnit;
  }
}

/** How many of the first fetches make the next batch; at least one, even if that one costs more than a batch may. */
function batchSizeOf<Wanted extends SizedMessage>(
  queue: FetchBatch<Wanted>,
  most: { readonly requests: number; readonly units: number },
): number {
  const batch = alike(queue.slice(0, most.requests));
  let units = 0;
  const beyond = batch.findIndex((planned) => (units += planned.units) > most.units);
  return beyond === -1 ? batch.length : Math.max(1, beyond);
}

/** The fetches, from the first on, that may share a batch. */
function alike<Wanted extends SizedMessage>(planned: FetchBatch<Wanted>): FetchBatch<Wanted> {
  const completes = planned[0]?.completes === true;
  let bytes = 0;
  const end = planned.findIndex((other, index) => {
    bytes += bytesOf([other]);
    return other.completes !== completes || (index > 0 && bytes > LARGEST_COMPLETION);
  });
  return end === -1 ? planned : planned.slice(0, end);
}

/** Bytes that a batch of completions brings. The size of other messages is not known yet and counts as 0. */
function bytesOf<Wanted extends SizedMessage>(batch: FetchBatch<Wanted>): number {
  return batch
    .filter(({ completes }) => completes)
    .reduce((sum, { serves }) => sum + serves.reduce((size, message) => size + message.sizeEstimate, 0), 0);
}
