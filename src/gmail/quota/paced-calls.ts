import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { GmailMethod, PriceTable } from '../../model/prices.ts';
import { noTelemetry, type Telemetry } from '../../model/telemetry.ts';
import type { GmailApi, Lane } from '../api/gmail-api.ts';
import { GmailError, type GmailFailure } from '../api/gmail-error.ts';
import { observedCall } from '../api/observed-call.ts';
import type { Grant, Pacer, RefusedCalls, Settlement } from './pacer.ts';
import { Patience } from './patience.ts';
import type { QuotaLedger } from './quota-ledger.ts';
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
  /** Told until when (epoch ms) a call waits, again and again while it does: for heartbeats, and to show it. */
  readonly onWait?: ((until: number) => void) | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Makes each call once: for asking Gmail whether it answers at all. */
  readonly once?: boolean | undefined;
}

/** What a call costs, and may cost at most: the grant may be for the first of the prices only. */
interface PricedCall {
  readonly method: GmailMethod | 'batch';
  readonly units: readonly number[];
  readonly signal: AbortSignal | undefined;
}

export type RateLimited = Extract<GmailFailure, { kind: 'rate-limited' }>;

const MAX_WAIT = 20_000;
/** Before a wait of so many milliseconds the counts are written down. */
const LONG_WAIT = 1_000;

/** The one way in which calls wait for their units, are repeated, settled and counted. */
export class PacedCalls {
  readonly usage: UsageCounter;
  readonly observed: ReturnType<typeof observedCall>;
  readonly #options: PacedCallsOptions;

  constructor(options: PacedCallsOptions) {
    const { mailbox, ledger, prices, clock, lane, telemetry = noTelemetry } = options;
    this.#options = options;
    this.usage = new UsageCounter({ mailbox, ledger, prices, clock, telemetry });
    this.observed = observedCall({ telemetry, clock, mailbox, lane });
  }

  /** Makes a call under a grant of units, and again under another one while its failure may pass soon. */
  async repeated<Result>(
    { method, units, signal }: PricedCall,
    call: (grant: Grant) => Promise<Result>,
  ): Promise<Result> {
    for (const patience = new Patience(method, this.#options.clock); ;) {
      await this.#prepare(patience, signal);
      const grant = await this.#acquire({ method, units, signal });
      try {
        return await call(grant);
      } catch (error) {
        await this.#wait(patience, error, signal);
      }
    }
  }

  prepare(signal: AbortSignal | undefined): Promise<void> {
    return this.#prepare(new Patience('token', this.#options.clock), signal);
  }

  /**
   * Runs what was granted and settles the grant, whatever becomes of it.
   *
   * @param refusedIn - the calls of a successful answer that Gmail refused
   */
  async settled<Result>(
    grant: Grant,
    call: () => Promise<Result>,
    refusedIn: (result: Result) => readonly RefusedCalls[],
  ): Promise<Result> {
    const { pacer } = this.#options;
    let result: Result;
    try {
      result = await call();
    } catch (error) {
      await pacer.settle(grant, settlementOf(error, grant));
      throw error;
    }
    await pacer.settle(grant, { answered: true, refused: refusedIn(result) });
    return result;
  }

  #acquire({ method, units, signal }: PricedCall): Promise<Grant> {
    const { pacer, lane, maxWaitMs = MAX_WAIT } = this.#options;
    return pacer.acquire({ lane, method, prices: units, maxWaitMs, onWait: (until) => this.#waiting(until), signal });
  }

  /** What was spent is written down before a long wait, so that nobody who looks meanwhile sees less. */
  async #waiting(until: number): Promise<void> {
    const { onWait, clock } = this.#options;
    onWait?.(until);
    if (until - clock.now() >= LONG_WAIT) await this.usage.tryFlush();
  }

  /**
   * Repeated like a call, but it costs no units. A rate refusal of the token endpoint names its time: the activity
   * waits.
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

  /** Waits as long as a failed call is worth it; throws the error where the failure stands. */
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

/** Gmail answered unless the call was aborted, or nothing usable came back. */
function settlementOf(error: unknown, grant: Grant): Settlement {
  const failure = failureOf(error);
  return {
    answered: failure !== null && failure.kind !== 'unavailable',
    refused: failure?.kind === 'rate-limited' ? [refusedCalls(failure, grant.count, grant.units)] : [],
  };
}

const failureOf = (error: unknown): GmailFailure | null => (error instanceof GmailError ? error.failure : null);
