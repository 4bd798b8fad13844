import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { GmailMethod, PriceTable } from '../../model/prices.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { noTelemetry, type Telemetry } from '../../model/telemetry.ts';
import { ByteRoom } from './byte-room.ts';
import { gmailError } from '../api/classify.ts';
import { MAX_BATCH, type FetchOutcome, type FetchRequest, type GmailApi, type GmailSession, type Lane } from '../api/gmail-api.ts';
import { GmailError, type GmailFailure } from '../api/gmail-error.ts';
import { observedCall } from '../api/observed-call.ts';
import { PageWalks } from '../api/page-walk.ts';
import type { Grant, Pacer, RefusedCalls, Settlement } from './pacer.ts';
import { Patience } from './patience.ts';
import type { QuotaLedger } from './quota-ledger.ts';
import { UsageCounter } from './usage-counter.ts';

export interface GmailSessionOptions {
  readonly api: GmailApi;
  readonly mailbox: MailboxId;
  readonly lane: Lane;
  readonly ledger: QuotaLedger;
  readonly prices: PriceTable;
  readonly clock: Clock;
  /** The mailbox's one pacer in this process. */
  readonly pacer: Pacer;
  /** What large messages may take of the process's memory; a session that is given none has its own. */
  readonly room?: ByteRoom | undefined;
  /** Longest wait, in milliseconds, that Gmail may ask for inside a call; a longer one is thrown with its `retryAt`. */
  readonly maxWaitMs?: number | undefined;
  /** Told until when (epoch ms) a call waits, again and again while it does: for heartbeats, and to show it. */
  readonly onWait?: ((until: number) => void) | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Makes each call once: for asking Gmail whether it answers at all. */
  readonly once?: boolean | undefined;
}

type RateLimited = Extract<GmailFailure, { kind: 'rate-limited' }>;

const MAX_WAIT = 20_000;
/** Before a wait of so many milliseconds the counts are written down. */
const LONG_WAIT = 1_000;

/**
 * Gmail at the pace that its quota allows: each call waits for its units, refusals teach the pace, and a call is repeated while its failure may pass soon.
 *
 * @throws {GmailError} from every call that did not succeed in the end; the signal's reason when it aborts
 */
export function createGmailSession(options: GmailSessionOptions): GmailSession {
  const { api, mailbox, lane, prices, clock, pacer, room = new ByteRoom(), maxWaitMs = MAX_WAIT, onWait, telemetry = noTelemetry } = options;
  const usage = new UsageCounter({ mailbox, ledger: options.ledger, prices, clock, telemetry });
  const observed = observedCall({ telemetry, clock, mailbox, lane });
  const walks = new PageWalks(mailbox);

  /** Waits as long as a failed call is worth it; throws the error where the failure stands. */
  async function wait(patience: Patience, error: unknown, signal: AbortSignal | undefined): Promise<void> {
    const failure = failureOf(error);
    const milliseconds = failure === null || options.once === true ? null : patience.after(failure);
    if (milliseconds === null) throw error;
    if (milliseconds > 0) await clock.sleep(milliseconds, signal);
  }

  async function acquire(patience: Patience, method: GmailMethod | 'batch', units: readonly number[], signal: AbortSignal | undefined): Promise<Grant> {
    await prepare(patience, signal);
    return await pacer.acquire({ lane, method, prices: units, maxWaitMs, onWait: (until) => waiting(until), signal });
  }

  /** What was spent is written down before a long wait, so that nobody who looks meanwhile sees less. */
  async function waiting(until: number): Promise<void> {
    onWait?.(until);
    if (until - clock.now() >= LONG_WAIT) await usage.tryFlush();
  }

  /** Repeated like a call, but it costs no units. A rate refusal of the token endpoint names its time: the activity waits. */
  async function prepare(patience: Patience, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      try {
        await api.prepare(signal);
        return;
      } catch (error) {
        if (failureOf(error)?.kind === 'rate-limited') throw error;
        await wait(patience, error, signal);
      }
    }
  }

  async function single<Result>(method: GmailMethod, signal: AbortSignal | undefined, call: () => Promise<Result>): Promise<Result> {
    const units = prices.units[method];
    for (const patience = new Patience(method, clock); ; ) {
      const grant = await acquire(patience, method, [units], signal);
      try {
        const result = await settling(grant, () => observed({ method, calls: 1, units }, call));
        usage.count({ method, calls: 1, units, rejected: 0 });
        await usage.flushWhenDue();
        return result;
      } catch (error) {
        const refused = failureOf(error)?.kind === 'rate-limited';
        usage.count({ method, calls: 1, units: refused ? 0 : units, rejected: refused ? 1 : 0 });
        await wait(patience, error, signal);
      }
    }
  }

  /** Runs the call of a grant and settles it, whatever becomes of it. */
  async function settling<Result>(grant: Grant, call: () => Promise<Result>): Promise<Result> {
    let result: Result;
    try {
      result = await call();
    } catch (error) {
      await pacer.settle(grant, settlementOf(error, grant));
      throw error;
    }
    await pacer.settle(grant, { answered: true, refused: [] });
    return result;
  }

  const priceOf = (request: FetchRequest): number => prices.units[methodOf(request)];

  /** One batch request within one grant. Refused calls are settled; the outcomes say which. */
  async function sendBatch(grant: Grant, requests: readonly FetchRequest[], format: MessageFormat, signal: AbortSignal | undefined): Promise<readonly FetchOutcome[]> {
    let outcomes: readonly FetchOutcome[];
    try {
      const call = { method: 'batch', calls: requests.length, units: grant.units, format } as const;
      outcomes = await observed(call, () => api.batchGet(requests, format, signal), (all) => all.filter((outcome) => refusalOf(outcome) !== null).length);
    } catch (error) {
      const refused = failureOf(error)?.kind === 'rate-limited';
      countBatch(requests, () => refused);
      await pacer.settle(grant, settlementOf(error, grant));
      throw error;
    }
    countBatch(requests, (index) => refusalOf(outcomes[index]) !== null);
    const refusals = outcomes.flatMap((outcome) => {
      const failure = refusalOf(outcome);
      return failure === null ? [] : [refusedCalls(failure, 1, priceOf(outcome.request))];
    });
    await pacer.settle(grant, { answered: true, refused: refusals });
    return outcomes;
  }

  function countBatch(requests: readonly FetchRequest[], isRefused: (index: number) => boolean): void {
    const counts = { 'messages.get': { calls: 0, units: 0, rejected: 0 }, 'threads.get': { calls: 0, units: 0, rejected: 0 } };
    for (const [index, request] of requests.entries()) {
      const count = counts[methodOf(request)];
      count.calls += 1;
      if (isRefused(index)) count.rejected += 1;
      else count.units += priceOf(request);
    }
    for (const method of ['messages.get', 'threads.get'] as const) if (counts[method].calls > 0) usage.count({ method, ...counts[method] });
  }

  /**
   * Fetches as many of the first requests as there are units for. A piece that is refused whole is repeated after the wait that the refusal
   * asks for; one that got no usable answer is `lost`.
   */
  async function fetchPiece(requests: readonly FetchRequest[], format: MessageFormat, signal: AbortSignal | undefined): Promise<Piece> {
    for (const patience = new Patience('batch', clock); ; ) {
      const grant = await acquire(patience, 'batch', requests.map(priceOf), signal);
      const piece = requests.slice(0, grant.count);
      try {
        const outcomes = await sendBatch(grant, piece, format, signal);
        const refusal = refusedWhole(outcomes);
        if (refusal === null) return { outcomes, lost: null };
        throw gmailError(mailbox, 'batch', refusal);
      } catch (error) {
        if (error instanceof GmailError && error.failure.kind === 'unavailable') return { outcomes: failed(piece, error), lost: error };
        await wait(patience, error, signal);
      }
    }
  }

  return {
    prepare: (signal) => prepare(new Patience('token', clock), signal),
    getProfile: (signal) => single('getProfile', signal, () => api.getProfile(signal)),
    listLabels: (signal) => single('labels.list', signal, () => api.listLabels(signal)),
    getLabel: (id, signal) => single('labels.get', signal, () => api.getLabel(id, signal)),
    listMessages: (query, signal) => walks.next('messages.list', query, (attempt) => single('messages.list', signal, () => attempt(() => api.listMessages(query, signal)))),
    watch: (request, signal) => single('watch', signal, () => api.watch(request, signal)),
    stopWatch: (signal) => single('stop', signal, () => api.stopWatch(signal)),
    listHistory: (query, signal) => walks.next('history.list', query, (attempt) => single('history.list', signal, () => attempt(() => api.listHistory(query, signal)))),

    getAttachment: (attachment, signal) => single('messages.attachments.get', signal, () => api.getAttachment(attachment, signal)),

    async batchGet(requests, format, signal) {
      if (requests.length > MAX_BATCH) throw new RangeError(`a batch holds at most ${MAX_BATCH} requests, not ${requests.length}`);
      const outcomes: FetchOutcome[] = [];
      let losses = 0;
      while (outcomes.length < requests.length) {
        const rest = requests.slice(outcomes.length);
        try {
          const piece = await fetchPiece(rest, format, signal);
          losses = piece.lost === null ? 0 : losses + 1;
          // A lost first piece is the whole batch's failure. A later one is its own: its neighbours still get their turn, unless Gmail is away.
          if (piece.lost !== null && (outcomes.length === 0 || losses > 1)) throw piece.lost;
          outcomes.push(...piece.outcomes);
        } catch (error) {
          // What was fetched and paid for is answered; only a batch of which nothing came is thrown.
          if (outcomes.length === 0 || !(error instanceof GmailError)) throw error;
          outcomes.push(...failed(rest, error));
        }
      }
      await usage.flushWhenDue();
      return outcomes;
    },

    batchSize: () => pacer.batchSize(),
    width: () => pacer.width(),
    holding: (bytes, work, signal) => room.holding(bytes, work, signal),
    unitsSpent: () => usage.units,
    flush: () => usage.flush(),
  };
}

interface Piece {
  readonly outcomes: readonly FetchOutcome[];
  readonly lost: GmailError | null;
}

const failed = (requests: readonly FetchRequest[], error: GmailError): readonly FetchOutcome[] =>
  requests.map((request) => ({ kind: 'failed', request, error }));

const methodOf = (request: FetchRequest) => (request.kind === 'message' ? 'messages.get' : 'threads.get');

const failureOf = (error: unknown): GmailFailure | null => (error instanceof GmailError ? error.failure : null);

/** Gmail answered unless the call was aborted, or nothing usable came back. */
function settlementOf(error: unknown, grant: Grant): Settlement {
  const failure = failureOf(error);
  return {
    answered: failure !== null && failure.kind !== 'unavailable',
    refused: failure?.kind === 'rate-limited' ? [refusedCalls(failure, grant.count, grant.units)] : [],
  };
}

const refusedCalls = (failure: RateLimited, calls: number, units: number): RefusedCalls => ({
  limit: failure.limit,
  retryAt: failure.retryAt,
  calls,
  units,
});

function refusalOf(outcome: FetchOutcome | undefined): RateLimited | null {
  return outcome?.kind === 'failed' && outcome.error.failure.kind === 'rate-limited' ? outcome.error.failure : null;
}

/** The refusal of a batch that was refused whole, part by part. */
function refusedWhole(outcomes: readonly FetchOutcome[]): RateLimited | null {
  const refusals = outcomes.map(refusalOf);
  return refusals.every((refusal) => refusal !== null) ? (refusals.find((refusal) => refusal.limit === 'daily') ?? refusals[0] ?? null) : null;
}
