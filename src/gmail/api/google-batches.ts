import type { MailboxId } from '../../model/ids.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { MalformedAnswerError } from './answer-values.ts';
import { detailOf } from './answers.ts';
import { fetchedMessageOf, threadMessagesOf, type ThreadRead } from './message-answers.ts';
import { decodeBatch, encodeBatch, type BatchPart } from './batch-codec.ts';
import { classify, gmailError } from './classify.ts';
import { requireBatchSize, type FetchOutcome, type FetchRequest } from './gmail-api.ts';
import { byOurClock } from './gmail-date.ts';
import type { GmailError, GmailFailure } from './gmail-error.ts';
import type { GoogleCalls, GoogleGmailOptions } from './google-calls.ts';

/** No line of a batch can begin with this, because each path is percent-encoded and stays on its GET line. */
const BOUNDARY = 'tidemark_batch';

interface SentBatch {
  readonly token: string;
  readonly outcomes: readonly FetchOutcome[];
}

/** The batch requests of one mailbox. */
export class GoogleBatches {
  readonly #calls: GoogleCalls;
  readonly #options: GoogleGmailOptions;

  constructor(calls: GoogleCalls, options: GoogleGmailOptions) {
    this.#calls = calls;
    this.#options = options;
  }

  /** See `GmailApi.batchGet`. */
  async get(
    requests: readonly FetchRequest[],
    format: MessageFormat,
    signal: AbortSignal | undefined,
  ): Promise<readonly FetchOutcome[]> {
    requireBatchSize(requests);
    if (requests.length === 0) return [];
    const first = await this.#send(requests, format, signal);
    const refused = first.outcomes.flatMap((outcome, index) => (isUnauthorized(outcome) ? [index] : []));
    if (refused.length === 0) return first.outcomes;
    // Gmail read the batch, but its token expired before all parts were answered. Those parts are sent once more, with
    // a new token.
    this.#options.tokens.invalidate(first.token);
    const again = await this.#send(
      refused.flatMap((index) => requests[index] ?? []),
      format,
      signal,
    );
    const outcomes = [...first.outcomes];
    again.outcomes.forEach((outcome, position) => {
      const index = refused[position];
      if (index !== undefined) outcomes[index] = outcome;
    });
    return outcomes;
  }

  /** One batch request, and an outcome for each of its parts. */
  async #send(
    requests: readonly FetchRequest[],
    format: MessageFormat,
    signal: AbortSignal | undefined,
  ): Promise<SentBatch> {
    const { mailbox, transport, clock } = this.#options;
    const { contentType, body } = encodeBatch(
      requests.map((request) => pathOf(request, format)),
      BOUNDARY,
    );
    const { response, token } = await this.#calls.send('batch', signal, (sent) =>
      transport({
        method: 'POST',
        url: `${this.#calls.rootUrl}/batch/gmail/v1`,
        headers: { authorization: `Bearer ${sent.token}`, 'content-type': contentType },
        body,
        signal: sent.signal,
        maxBytes: sent.maxBytes,
      }),
    );
    const parts = decodeBatch(response.headers['content-type'] ?? '', response.body, requests.length);
    if (parts === null)
      throw gmailError(mailbox, 'batch', {
        kind: 'unavailable',
        status: response.status,
        detail: 'the answer is not multipart',
      });
    const onTime = (failure: GmailFailure): GmailFailure => byOurClock(failure, response, clock.now());
    return {
      token,
      outcomes: requests.map((request, index) => outcomeOf({ mailbox, format, onTime }, request, parts[index] ?? null)),
    };
  }
}

const isUnauthorized = (outcome: FetchOutcome): boolean =>
  outcome.kind === 'failed' && outcome.error.failure.kind === 'refused' && outcome.error.failure.status === 401;

function pathOf(request: FetchRequest, format: MessageFormat): string {
  return `/gmail/v1/users/me/${request.kind}s/${encodeURIComponent(request.id)}?format=${formatOf(request, format)}`;
}

const formatOf = (request: FetchRequest, format: MessageFormat): MessageFormat =>
  request.kind === 'message' ? (request.format ?? format) : format;

interface PartReader {
  readonly mailbox: MailboxId;
  readonly format: MessageFormat;
  /** Corrects the times in a part's failure by the date of the batch's answer. */
  readonly onTime: (failure: GmailFailure) => GmailFailure;
}

function outcomeOf(
  { mailbox, format, onTime }: PartReader,
  request: FetchRequest,
  part: BatchPart | null,
): FetchOutcome {
  const method = request.kind === 'message' ? 'messages.get' : 'threads.get';
  const unusable = (status: number | null, detail: string): GmailError =>
    gmailError(mailbox, method, { kind: 'unavailable', status, detail });
  if (part === null)
    return { kind: 'failed', request, error: unusable(null, 'its part of the batch is missing or cut off') };
  const text = part.body.toString('utf8');
  if (part.status !== 200)
    return { kind: 'failed', request, error: gmailError(mailbox, method, onTime(classify(method, part.status, text))) };
  try {
    const { messages, unreadable } = messagesOf(request, JSON.parse(text), part.body, format);
    return {
      kind: 'fetched',
      request,
      messages,
      unreadable: new Map([...unreadable].map(([id, detail]) => [id, unusable(part.status, detail)])),
    };
  } catch (error) {
    return { kind: 'failed', request, error: unusable(part.status, detailOf(error)) };
  }
}

/** An answer about another message does not answer this request, whatever the multipart headers say. */
function messagesOf(
  request: FetchRequest,
  json: unknown,
  bytes: Buffer,
  format: MessageFormat,
): Omit<ThreadRead, 'id'> {
  if (request.kind === 'message') {
    const message = fetchedMessageOf(json, bytes, formatOf(request, format));
    if (message.id !== request.id) throw new MalformedAnswerError('the answer is about another message');
    return { messages: [message], unreadable: new Map() };
  }
  const thread = threadMessagesOf(json, format);
  if (thread.id !== request.id) throw new MalformedAnswerError('the answer is about another thread');
  return thread;
}
