import type { MailboxId } from '../../model/ids.ts';
import type { PriceTable } from '../../model/prices.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { gmailError } from '../api/classify.ts';
import { requireBatchSize, type FetchOutcome, type FetchRequest, type GmailApi } from '../api/gmail-api.ts';
import { GmailError } from '../api/gmail-error.ts';
import { isRateLimited, refusedCalls, type PacedCalls, type RateLimited } from './paced-calls.ts';
import type { Permit } from './pacer.ts';

export interface BatchCallsOptions {
  readonly api: GmailApi;
  readonly mailbox: MailboxId;
  readonly prices: PriceTable;
}

interface Piece {
  readonly outcomes: readonly FetchOutcome[];
  /** The error, if no usable answer came; otherwise null. */
  readonly lost: GmailError | null;
}

/** Paces and repeats batch requests, and splits them into pieces for which there are units. */
export class BatchCalls {
  readonly #calls: PacedCalls;
  readonly #options: BatchCallsOptions;

  constructor(calls: PacedCalls, options: BatchCallsOptions) {
    this.#calls = calls;
    this.#options = options;
  }

  /** The paced form of {@link GmailApi.batchGet}. */
  async get(
    requests: readonly FetchRequest[],
    format: MessageFormat,
    signal: AbortSignal | undefined,
  ): Promise<readonly FetchOutcome[]> {
    requireBatchSize(requests);
    const outcomes: FetchOutcome[] = [];
    let losses = 0;
    while (outcomes.length < requests.length) {
      const rest = requests.slice(outcomes.length);
      try {
        const piece = await this.#fetchPiece(rest, format, signal);
        losses = piece.lost === null ? 0 : losses + 1;
        // If the first piece is lost, the whole batch fails. If a later piece is lost, the pieces after it are still
        // sent; two lost pieces in a row mean that Gmail is away.
        if (piece.lost !== null && (outcomes.length === 0 || losses > 1)) throw piece.lost;
        outcomes.push(...piece.outcomes);
      } catch (error) {
        // Messages that were fetched and paid for are returned. The error is thrown only if nothing was fetched.
        if (outcomes.length === 0 || !(error instanceof GmailError)) throw error;
        outcomes.push(...failed(rest, error));
      }
    }
    await this.#calls.usage.flushWhenDue();
    return outcomes;
  }

  /**
   * Fetches as many of the first requests as there are units for. If every request of the piece is refused, the piece
   * is repeated after the wait that the refusal asks for. If no usable answer came, the piece is `lost`.
   */
  #fetchPiece(
    requests: readonly FetchRequest[],
    format: MessageFormat,
    signal: AbortSignal | undefined,
  ): Promise<Piece> {
    const units = requests.map((request) => this.#priceOf(request));
    return this.#calls.repeated({ method: 'batch', units, signal }, async (permit) => {
      const piece = requests.slice(0, permit.count);
      try {
        const outcomes = await this.#send(permit, piece, format, signal);
        const refusal = refusedWhole(outcomes);
        if (refusal === null) return { outcomes, lost: null };
        throw gmailError(this.#options.mailbox, 'batch', refusal);
      } catch (error) {
        if (error instanceof GmailError && error.failure.kind === 'unavailable')
          return { outcomes: failed(piece, error), lost: error };
        throw error;
      }
    });
  }

  /** Sends one batch request within one permit. The outcomes name the calls that Gmail refused. */
  #send(
    permit: Permit,
    requests: readonly FetchRequest[],
    format: MessageFormat,
    signal: AbortSignal | undefined,
  ): Promise<readonly FetchOutcome[]> {
    const call = { method: 'batch', calls: requests.length, units: permit.units, format } as const;
    const refusalsIn = (all: readonly FetchOutcome[]): number =>
      all.filter((outcome) => refusalOf(outcome) !== null).length;
    const send = async (): Promise<readonly FetchOutcome[]> => {
      try {
        const outcomes = await this.#calls.observed(
          call,
          () => this.#options.api.batchGet(requests, format, signal),
          refusalsIn,
        );
        this.#count(requests, (index) => outcomeOf(outcomes[index]));
        return outcomes;
      } catch (error) {
        const outcome = isRateLimited(error) ? 'rejected' : 'failed';
        this.#count(requests, () => outcome);
        throw error;
      }
    };
    return this.#calls.releasing(permit, send, (outcomes) =>
      outcomes.flatMap((outcome) => {
        const failure = refusalOf(outcome);
        return failure === null ? [] : [refusedCalls(failure, 1, this.#priceOf(outcome.request))];
      }),
    );
  }

  #count(requests: readonly FetchRequest[], outcome: (index: number) => CallOutcome): void {
    const none = { calls: 0, units: 0, rejected: 0, failed: 0 };
    const counts = { 'messages.get': { ...none }, 'threads.get': { ...none } };
    for (const [index, request] of requests.entries()) {
      const count = counts[methodOf(request)];
      count.calls += 1;
      const how = outcome(index);
      if (how !== 'successful') count[how] += 1;
      if (how !== 'rejected') count.units += this.#priceOf(request);
    }
    for (const method of ['messages.get', 'threads.get'] as const)
      if (counts[method].calls > 0) this.#calls.usage.count({ method, ...counts[method] });
  }

  #priceOf(request: FetchRequest): number {
    return this.#options.prices.units[methodOf(request)];
  }
}

const failed = (requests: readonly FetchRequest[], error: GmailError): readonly FetchOutcome[] =>
  requests.map((request) => ({ kind: 'failed', request, error }));

const methodOf = (request: FetchRequest) => (request.kind === 'message' ? 'messages.get' : 'threads.get');

type CallOutcome = 'successful' | 'rejected' | 'failed';

function outcomeOf(outcome: FetchOutcome | undefined): CallOutcome {
  if (refusalOf(outcome) !== null) return 'rejected';
  return outcome?.kind === 'fetched' ? 'successful' : 'failed';
}

function refusalOf(outcome: FetchOutcome | undefined): RateLimited | null {
  return outcome?.kind === 'failed' && outcome.error.failure.kind === 'rate-limited' ? outcome.error.failure : null;
}

/** The refusal, if every part of the batch was refused; otherwise null. */
function refusedWhole(outcomes: readonly FetchOutcome[]): RateLimited | null {
  const refusals = outcomes.map(refusalOf);
  return refusals.every((refusal) => refusal !== null)
    ? (refusals.find((refusal) => refusal.limit === 'daily') ?? refusals[0] ?? null)
    : null;
}
