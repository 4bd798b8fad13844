import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { PriceTable } from '../../model/prices.ts';
import { afterAnswer, afterRefusal, FIRST_WIDTH, type CallWidth } from './call-width.ts';
import { gmailError, type CalledMethod } from '../api/classify.ts';
import type { Lane } from '../../model/lane.ts';
import { MAX_BATCH } from '../api/gmail-api.ts';
import type { RateLimit } from '../api/gmail-error.ts';
import { allowBursts, learn, withAccepted, type QuotaRefusal } from './ledger-learning.ts';
import { readLedger, writeLedger, type Ledger } from './ledger-document.ts';
import { PROBE_CALLS, refund, reserve, type Grant, type ReservationResult } from './ledger.ts';
import type { QuotaLedger } from '../../model/quota-ledger.ts';
import { RoundTrips } from './round-trips.ts';
import { Turnstile } from './turnstile.ts';

export interface PacerOptions {
  readonly mailbox: MailboxId;
  readonly ledger: QuotaLedger;
  readonly prices: PriceTable;
  readonly clock: Clock;
  /** The part of the user's quota that Tidemark may use, in (0, 1]. The rest is for the user's other applications. */
  readonly share?: number | undefined;
}

export interface AcquireRequest {
  readonly lane: Lane;
  readonly method: CalledMethod;
  /** Units of each call of a batch, in order. */
  readonly prices: readonly number[];
  /** The longest wait in milliseconds that Gmail may ask for. A wait for our own pace has no limit. */
  readonly maxWaitMs: number;
  /** Called with the end of a wait (epoch ms). The wait continues when it has returned. */
  readonly onWait: ((until: number) => void | Promise<void>) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Permission to send the first `count` calls of a request now. It must be released, whatever became of the calls. */
export interface Permit extends Grant {
  readonly lane: Lane;
  /** False when other calls were under way. A probe beside them proves nothing: it may arrive before them. */
  readonly isAlone: boolean;
  /** Calls of the mailbox under way in this process, including these. */
  readonly inFlight: number;
}

/** The outcome of a permit's calls. */
export interface PermitOutcome {
  /** False when no answer came (aborted, reset, timed out), which proves nothing about any limit. */
  readonly answered: boolean;
  readonly refused: readonly RefusedCalls[];
}

/** Calls of a permit that Gmail refused. */
export interface RefusedCalls {
  readonly limit: RateLimit;
  readonly retryAt: number | null;
  readonly calls: number;
  readonly units: number;
}

/** Calls sent at once, by the answers in a row that refused most of theirs; later one. A used-up quota refuses all. */
const MOST_CALLS = [MAX_BATCH, PROBE_CALLS];
/** Fewer refused calls of an answer than this may be chance. */
const SEVERAL = 3;
/** Units a minute from which on pacing does not matter: no write is spent on it until Gmail refuses a call. */
export const UNPACED = 50_000_000;
/** Ms after which a wait is checked again: units may have been returned, or the pause prolonged. */
const LONGEST_SLEEP = 5_000;

/**
 * Paces the calls of one mailbox in this process. All processes share the ledger in the store. Units are reserved
 * before a call starts, so a crash in between loses units and never spends them twice.
 */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #turns: Readonly<Record<Lane, Turnstile>> = { live: new Turnstile(), backfill: new Turnstile() };
  readonly #changed = new Set<() => void>();
  readonly #roundTrips = new RoundTrips();
  #width: CallWidth = FIRST_WIDTH;
  #inFlight = 0;
  /** Live calls that wait for a place in flight. Backfill calls let them go first. */
  #liveWaiting = 0;
  /** True while a probe has no answer yet. */
  #probing = false;
  /** Answers in a row that refused most of their calls. Until one accepts them there is one small batch at a time. */
  #refusals = 0;
  /** Epoch ms of the last of them. */
  #refusedAt = 0;
  #paced: boolean;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#paced = options.prices.userUnitsPerMinute < UNPACED;
  }

  /** Batches that may be in flight at once. */
  width(): number {
    return Math.max(1, Math.ceil(this.#width.calls / MAX_BATCH));
  }

  /** Calls that a batch should hold. */
  batchSize(): number {
    return Math.max(1, Math.min(MAX_BATCH, this.#width.calls));
  }

  /**
   * Waits for a place in flight and for units.
   *
   * @throws {GmailError} `rate-limited` with `retryAt` when Gmail asks for a longer wait than `maxWaitMs`
   * @throws the signal's reason when it aborts
   */
  async acquire(request: AcquireRequest): Promise<Permit> {
    const leave = await this.#turns[request.lane].enter(request.signal);
    try {
      for (;;) {
        const places = await this.#takePlaces(request);
        const result = await this.#reserve(request, places).catch((error: unknown) => {
          this.#leavePlaces(places);
          throw error;
        });
        if (result.kind === 'granted') {
          const { kind: _, ...grant } = result;
          if (grant.probe) this.#probing = true;
          this.#leavePlaces(places - grant.count);
          const inFlight = this.#inFlight;
          return { ...grant, lane: request.lane, isAlone: inFlight === grant.count, inFlight };
        }
        this.#leavePlaces(places);
        await this.#wait(request, result);
      }
    } finally {
      leave();
    }
  }

  /**
   * Releases a permit: frees its places, returns the units of refused calls, and learns from the refusals. Units of
   * calls without an answer stay spent, since Gmail may have counted them.
   */
  async release(permit: Permit, { answered, refused }: PermitOutcome): Promise<void> {
    const { clock, mailbox, ledger, prices } = this.#options;
    const { userUnitsPerMinute: userLimit } = prices;
    if (answered) this.#roundTrips.add(clock.now() - permit.at);
    const lateness = this.#roundTrips.spread;
    const now = clock.now();
    const { inFlight } = permit;
    const { calls: crowded } = totalOf(refused.filter(({ limit }) => limit === 'concurrency'));
    const { calls, units } = totalOf(refused);
    if (crowded > 0) this.#width = afterRefusal(this.#width, { inFlight, refused: crowded }, now);
    else if (answered) this.#width = afterAnswer(this.#width, inFlight, now);
    const paceRefusals = refusalsOfPace(refused, permit);
    if (answered) this.#countRefusals(permit, paceRefusals, now);
    if (permit.probe) this.#probing = false;
    this.#leavePlaces(permit.count);
    if (paceRefusals.length > 0) this.#paced = true;
    const proven = permit.probe && permit.isAlone && answered && refused.length === 0;
    const accepted = answered && calls < permit.count;
    const tells = refused.length > 0 || proven || (accepted && permit.isAwaited);
    if (!this.#paced || !tells) return;
    const jitter = clock.random();
    const { lane, at } = permit;
    await ledger.update(mailbox, (text) => {
      const paceMs = permit.units === 0 ? 0 : (permit.paceMs * units) / permit.units;
      let next: Ledger = refund(readLedger(text), { units, lane, at, paceMs });
      if (accepted) next = withAccepted(next, at);
      const common = { sentAt: at, jitter, granted: userLimit * (this.#options.share ?? 1), userLimit, lateness };
      for (const refusal of paceRefusals) next = learn(next, { ...refusal, ...common }, now);
      if (proven) next = allowBursts(next);
      return { ledger: writeLedger(next), result: undefined };
    });
  }

  /** Calls that were sent before the last refusal was known say nothing of what is accepted now. */
  #countRefusals(permit: Permit, refusals: readonly PaceRefusal[], now: number): void {
    if (permit.at < this.#refusedAt) return;
    const units = refusals.reduce((sum, refusal) => sum + refusal.units, 0);
    const isRefusal = refusals.length > 0 && 2 * units >= permit.units;
    if (isRefusal) this.#refusedAt = now;
    this.#refusals = isRefusal ? this.#refusals + 1 : 0;
  }

  async #reserve({ lane, prices }: AcquireRequest, places: number): Promise<ReservationResult> {
    const { clock, ledger, mailbox, prices: table, share = 1 } = this.#options;
    const wanted = prices.slice(0, places);
    if (!this.#paced) {
      return {
        kind: 'granted',
        count: wanted.length,
        units: wanted.reduce((sum, units) => sum + units, 0),
        at: clock.now(),
        paceMs: 0,
        probe: false,
        isAwaited: false,
      };
    }
    const reservation = {
      lane,
      prices: wanted,
      granted: table.userUnitsPerMinute * share,
      userLimit: table.userUnitsPerMinute,
    };
    return await ledger.update(mailbox, (text) => {
      const { ledger: next, result } = reserve(readLedger(text), reservation, clock.now());
      return { ledger: writeLedger(next), result };
    });
  }

  async #wait(request: AcquireRequest, wait: { readonly until: number; readonly told: boolean }): Promise<void> {
    const { clock, mailbox } = this.#options;
    const milliseconds = wait.until - clock.now();
    if (wait.told && milliseconds > request.maxWaitMs) {
      throw gmailError(mailbox, request.method, { kind: 'rate-limited', limit: 'user', retryAt: wait.until });
    }
    await request.onWait?.(wait.until);
    await clock.sleep(Math.max(1, Math.min(LONGEST_SLEEP, wait.until - clock.now())), request.signal);
  }

  /**
   * Waits until calls may start, and takes places for as many as possible. Nothing is awaited between the check and the
   * taking of places.
   */
  async #takePlaces({ lane, prices, signal }: AcquireRequest): Promise<number> {
    const live = lane === 'live';
    if (live) this.#liveWaiting++;
    try {
      while (!this.#mayStart(live)) await this.#nextChange(signal);
    } finally {
      if (live) this.#liveWaiting--;
    }
    const free = this.#width.calls - this.#inFlight;
    const places = Math.min(prices.length, MOST_CALLS[this.#refusals] ?? 1, Math.max(1, free));
    this.#inFlight += places;
    return places;
  }

  #mayStart(live: boolean): boolean {
    // Live calls may run beside a probe: they are few, and new mail should not wait for a batch of old messages.
    if (this.#inFlight >= this.#width.calls) return false;
    if (live) return true;
    if (this.#liveWaiting > 0 || this.#probing) return false;
    return this.#refusals === 0 || this.#inFlight === 0;
  }

  #leavePlaces(count: number): void {
    this.#inFlight -= count;
    for (const wake of this.#changed) wake();
  }

  async #nextChange(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => reject(signal?.reason);
    this.#changed.add(resolve);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      this.#changed.delete(resolve);
      signal?.removeEventListener('abort', abort);
    }
  }
}

type PaceRefusal = Pick<QuotaRefusal, 'limit' | 'retryAt' | 'units' | 'isMostOfAnswer'>;

/** The refusals of one answer that concern the pace, as one for each limit. */
function refusalsOfPace(refused: readonly RefusedCalls[], permit: Permit): readonly PaceRefusal[] {
  const limitOf = ({ limit, retryAt }: RefusedCalls): QuotaRefusal['limit'] | null =>
    limit === 'project' ? limit : limit === 'user' || retryAt !== null ? 'user' : null;
  return (['user', 'project'] as const).flatMap((limit) => {
    const all = refused.filter((each) => limitOf(each) === limit);
    if (all.length === 0) return [];
    const times = all.flatMap(({ retryAt }) => (retryAt === null ? [] : [retryAt]));
    const { calls, units } = totalOf(all);
    const isMostOfAnswer = calls >= SEVERAL && calls < permit.count && 2 * units >= permit.units;
    return [{ limit, units, isMostOfAnswer, retryAt: times.length === 0 ? null : Math.max(...times) }];
  });
}

function totalOf(refused: readonly RefusedCalls[]): Pick<RefusedCalls, 'calls' | 'units'> {
  const sum = (of: 'calls' | 'units'): number => refused.reduce((total, each) => total + each[of], 0);
  return { calls: sum('calls'), units: sum('units') };
}
