import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { GmailMethod, PriceTable } from '../../model/prices.ts';
import { noTelemetry, type Telemetry } from '../../model/telemetry.ts';
import type { Lane } from '../../model/lane.ts';
import type { CalledMethod } from '../api/classify.ts';
import type { GmailApi } from '../api/gmail-api.ts';
import { GmailError, type GmailFailure } from '../api/gmail-error.ts';
import { observedCall } from '../api/observed-call.ts';
import type { Pacer, Permit, PermitOutcome, RefusedCalls } from './pacer.ts';
import { Patience, type FailedCall } from './patience.ts';
import type { QuotaLedger } from '../../model/quota-ledger.ts';
import { UsageCounter } from './usage-counter.ts';

export interface PacedCallsOptions {
  readonly api: GmailApi;
  readonly mailbox: MailboxId;
  readonly lane: Lane;
  readonly ledger: QuotaLedger;
  readonly prices: PriceTable;
  readonly clock: Clock;
  /** The mailbox's one pacer in this process. */
  readonly pacer: Pacer;
  /** Longest wait, in milliseconds, that Gmail may ask for inside a call; a longer one is thrown with its `retryAt`. */
  readonly maxWaitMs?: number | undefined;
  /** Called repeatedly while a call waits, with the end of the wait (epoch ms): for heartbeats and for display. */
  readonly onWait?: ((until: number) => void) | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Makes each call only once, to find out whether Gmail answers at all. */
  readonly once?: boolean | undefined;
  /** A failure that an earlier session left to this one: the call waits as after it, and is not made more often. */
  readonly failedBefore?: FailedCall | undefined;
}

/** A call and its prices. `units` has one price for each request in it; the permit may cover only the first of them. */
interface PricedCall {
  readonly method: GmailMethod | 'batch';
  readonly units: readonly number[];
  readonly signal: AbortSignal | undefined;
}

export type RateLimited = Extract<GmailFailure, { kind: 'rate-limited' }>;

const MAX_WAIT = 20_000;
/** The counts are saved before a wait of at least this many milliseconds. */
const LONG_WAIT = 1_000;

/**
 * Makes calls wait for their units, repeats them, releases their permits and counts them. Every call goes through here.
 */
export class PacedCalls {
  readonly usage: UsageCounter;
  readonly observed: ReturnType<typeof observedCall>;
  readonly #options: PacedCallsOptions;
  #failedBefore: FailedCall | null;

  constructor(options: PacedCallsOptions) {
    const { mailbox, ledger, prices, clock, lane, telemetry = noTelemetry } = options;
    this.#options = options;
    this.#failedBefore = options.failedBefore ?? null;
    this.usage = new UsageCounter({ mailbox, ledger, prices, clock, telemetry });
    this.observed = observedCall({ telemetry, clock, mailbox, lane });
  }

  /** Makes a call with a permit. Repeats it, each time with a new permit, while its failure may pass soon. */
  async repeated<Result>(
    { method, units, signal }: PricedCall,
    call: (permit: Permit) => Promise<Result>,
  ): Promise<Result> {
    const patience = new Patience(method, this.#options.clock);
    await this.#waitAsBefore(patience, method, signal);
    for (;;) {
      await this.#prepare(patience, signal);
      const permit = await this.#acquire({ method, units, signal });
      try {
        return await call(permit);
      } catch (error) {
        await this.#wait(patience, error, signal);
      }
    }
  }

  prepare(signal: AbortSignal | undefined): Promise<void> {
    return this.#prepare(new Patience('token', this.#options.clock), signal);
  }

  /**
   * Makes the permitted call and releases the permit, whether the call succeeds or fails.
   *
   * @param refusedIn - finds the calls that Gmail refused within a successful answer
   */
  async releasing<Result>(
    permit: Permit,
    call: () => Promise<Result>,
    refusedIn: (result: Result) => readonly RefusedCalls[],
  ): Promise<Result> {
    const { pacer } = this.#options;
    let result: Result;
    try {
      result = await call();
    } catch (error) {
      await pacer.release(permit, permitOutcomeOf(error, permit));
      throw error;
    }
    await pacer.release(permit, { answered: true, refused: refusedIn(result) });
    return result;
  }

  #acquire({ method, units, signal }: PricedCall): Promise<Permit> {
    const { pacer, lane, maxWaitMs = MAX_WAIT } = this.#options;
    return pacer.acquire({ lane, method, prices: units, maxWaitMs, onWait: (until) => this.#waiting(until), signal });
  }

  /** Reports a wait. Saves the spent units before a long one, so that the shown usage is up to date during the wait. */
  async #waiting(until: number): Promise<void> {
    const { onWait, clock } = this.#options;
    onWait?.(until);
    if (until - clock.now() >= LONG_WAIT) await this.usage.tryFlush();
  }

  /**
   * Gets a token. Repeated like a call, but costs no units. A rate limit of the token endpoint is thrown at once,
   * because it names its time and the activity waits for it.
   */
  async #prepare(patience: Patience, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      try {
        await this.#options.api.prepare(signal);
        return;
      } catch (error) {
        if (failureOf(error)?.kind === 'rate-limited') throw error;
        await this.#wait(patience, error, signal);
      }
    }
  }

  async #waitAsBefore(patience: Patience, method: CalledMethod, signal: AbortSignal | undefined): Promise<void> {
    const before = this.#failedBefore;
    if (before?.method !== method) return;
    this.#failedBefore = null;
    const milliseconds = patience.after(before.failure) ?? 0;
    if (milliseconds > 0) await this.#options.clock.sleep(milliseconds, signal);
  }

  /** Waits before a failed call is repeated. Throws the error if the call is not to be repeated. */
  async #wait(patience: Patience, error: unknown, signal: AbortSignal | undefined): Promise<void> {
    const { clock, once } = this.#options;
    const failure = failureOf(error);
    const milliseconds = failure === null || once === true ? null : patience.after(failure);
    if (milliseconds === null) throw error;
    if (milliseconds > 0) await clock.sleep(milliseconds, signal);
  }
}

export function isRateLimited(error: unknown): boolean {
  return failureOf(error)?.kind === 'rate-limited';
}

export function refusedCalls(failure: RateLimited, calls: number, units: number): RefusedCalls {
  return { limit: failure.limit, retryAt: failure.retryAt, calls, units };
}

/**
 * The outcome of a permit whose call failed. Gmail answered, unless the call was aborted or nothing usable came back.
 */
function permitOutcomeOf(error: unknown, permit: Permit): PermitOutcome {
  const failure = failureOf(error);
  return {
    answered: failure !== null && failure.kind !== 'unavailable',
    refused: failure?.kind === 'rate-limited' ? [refusedCalls(failure, permit.count, permit.units)] : [],
  };
}

const failureOf = (error: unknown): GmailFailure | null => (error instanceof GmailError ? error.failure : null);
