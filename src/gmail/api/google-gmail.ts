import { gmail, type gmail_v1 } from 'googleapis/build/src/apis/gmail/index.js';
import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { GmailMethod } from '../../model/prices.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { MalformedAnswerError } from './answer-values.ts';
import { attachmentDataOf, countedLabelOf, detailOf, historyPageOf, labelsOf, messagePageOf, profileOf, readingOf, threadReadingsOf, watchOf, type ThreadRead } from './answers.ts';
import { ANSWER_LIMITS } from './answer-limits.ts';
import { decodeBatch, encodeBatch, type BatchPart } from './batch.ts';
import { classify, classifyThrown, gmailError, type CalledMethod } from './classify.ts';
import { withDeadline } from './deadline.ts';
import { MAX_BATCH, type FetchOutcome, type FetchRequest, type GmailApi } from './gmail-api.ts';
import { byOurClock } from './gmail-date.ts';
import { GmailError, type GmailFailure } from './gmail-error.ts';
import { createGoogleClient, type ClientCall, type SentCall } from './google-client.ts';
import type { TokenSource } from './token-source.ts';
import { ResponseTooLargeError, type HttpResponse, type Transport } from './transport.ts';

export interface GoogleGmailOptions {
  readonly mailbox: MailboxId;
  readonly tokens: TokenSource;
  readonly transport: Transport;
  /** `https://gmail.googleapis.com`, or a simulator's address. */
  readonly rootUrl: string;
  readonly clock: Clock;
  /** Milliseconds that one call may take, a new token included. */
  readonly timeoutMs?: number;
}

/** The largest page of messages.list and history.list. */
const PAGE_SIZE = 500;
/** Paths are percent-encoded lines: none can begin with this. */
const BOUNDARY = 'tidemark_batch';
/** `fields` saves bytes, not units: a record's `messages` repeats what its four lists of changes say. */
const HISTORY_FIELDS = 'history(id,messagesAdded,messagesDeleted,labelsAdded,labelsRemoved),nextPageToken,historyId';

/**
 * Gmail for one mailbox, over Google's client and batch requests. Nothing is repeated here but a call whose token Gmail no longer knew.
 *
 * @see https://developers.google.com/workspace/gmail/api/reference/rest
 */
export function createGoogleGmail(options: GoogleGmailOptions): GmailApi {
  const { mailbox, tokens, clock, transport, timeoutMs = 60_000 } = options;
  const rootUrl = options.rootUrl.replace(/\/+$/, '');
  const client = createGoogleClient(gmail({ version: 'v1', rootUrl: `${rootUrl}/` }).users, transport);
  const me = { userId: 'me' };
  let historyPage = PAGE_SIZE;

  /** @throws {GmailError} for every answer but 200, and for none; the signal's own reason when it aborts */
  async function send(method: CalledMethod, signal: AbortSignal | undefined, call: (sent: SentCall) => Promise<HttpResponse>): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await withDeadline({ clock, milliseconds: timeoutMs, signal }, (limited) => authorized(tokens, { signal: limited, maxBytes: ANSWER_LIMITS[method] }, call));
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof GmailError) throw error;
      throw gmailError(mailbox, method, classifyThrown(error), error);
    }
    const { status, body } = answer.response;
    // 204 is the empty answer of users.stop.
    if (status !== 200 && status !== 204) throw gmailError(mailbox, method, byOurClock(classify(method, status, body.toString('utf8')), answer.response, clock.now()));
    return answer;
  }

  async function get<Result>(method: GmailMethod, signal: AbortSignal | undefined, call: ClientCall<gmail_v1.Resource$Users>, read: (json: unknown) => Result): Promise<Result> {
    const { response } = await send(method, signal, (sent) => client(call, sent));
    try {
      return read(JSON.parse(response.body.toString('utf8')));
    } catch (error) {
      // The parser's error quotes what it read, which may be mail: it is not passed on.
      throw gmailError(mailbox, method, { kind: 'unavailable', status: response.status, detail: detailOf(error) });
    }
  }

  async function sendBatch(requests: readonly FetchRequest[], format: MessageFormat, signal: AbortSignal | undefined): Promise<SentBatch> {
    const { contentType, body } = encodeBatch(requests.map((request) => pathOf(request, format)), BOUNDARY);
    const { response, token } = await send('batch', signal, (sent) =>
      transport({
        method: 'POST',
        url: `${rootUrl}/batch/gmail/v1`,
        headers: { authorization: `Bearer ${sent.token}`, 'content-type': contentType },
        body,
        signal: sent.signal,
        maxBytes: sent.maxBytes,
      }),
    );
    const parts = decodeBatch(response.headers['content-type'] ?? '', response.body, requests.length);
    if (parts === null) throw gmailError(mailbox, 'batch', { kind: 'unavailable', status: response.status, detail: 'the answer is not multipart' });
    const onTime = (failure: GmailFailure): GmailFailure => byOurClock(failure, response, clock.now());
    return { token, outcomes: requests.map((request, index) => outcomeOf({ mailbox, format, onTime }, request, parts[index] ?? null)) };
  }

  return {
    async prepare(signal) {
      await tokens.accessToken(signal);
    },

    getProfile: (signal) => get('getProfile', signal, (users, call) => users.getProfile(me, call), profileOf),

    listLabels: (signal) => get('labels.list', signal, (users, call) => users.labels.list(me, call), labelsOf),

    async getLabel(id, signal) {
      try {
        return await get('labels.get', signal, (users, call) => users.labels.get({ ...me, id }, call), countedLabelOf);
      } catch (error) {
        if (error instanceof GmailError && error.failure.kind === 'not-found') return null;
        throw error;
      }
    },

    listMessages: ({ labelIds, q, includeSpamTrash, pageToken }, signal) =>
      get(
        'messages.list',
        signal,
        (users, call) =>
          users.messages.list(
            {
              ...me,
              maxResults: PAGE_SIZE,
              includeSpamTrash,
              ...(labelIds === undefined || labelIds.length === 0 ? {} : { labelIds: [...labelIds] }),
              ...(q === undefined ? {} : { q }),
              ...(pageToken === null ? {} : { pageToken }),
            },
            call,
          ),
        messagePageOf,
      ),

    async listHistory({ startHistoryId, pageToken }, signal) {
      const query = { ...me, startHistoryId, maxResults: historyPage, fields: HISTORY_FIELDS, ...(pageToken === null ? {} : { pageToken }) };
      try {
        return await get('history.list', signal, (users, call) => users.history.list(query, call), historyPageOf);
      } catch (error) {
        // Records have no bound: the call fails as one to be repeated, and asks for fewer then.
        if (isTooLarge(error)) historyPage = Math.max(1, Math.floor(historyPage / 5));
        throw error;
      }
    },

    getAttachment: ({ messageId, attachmentId }, signal) =>
      get(
        'messages.attachments.get',
        signal,
        (users, call) => users.messages.attachments.get({ ...me, messageId, id: attachmentId }, call),
        attachmentDataOf,
      ),

    watch: ({ topicName, labelIds }, signal) =>
      get(
        'watch',
        signal,
        (users, call) => users.watch({ ...me, requestBody: { topicName, ...(labelIds.length === 0 ? {} : { labelIds: [...labelIds], labelFilterBehavior: 'include' }) } }, call),
        watchOf,
      ),

    async stopWatch(signal) {
      await send('stop', signal, (sent) => client((users, call) => users.stop(me, call), sent));
    },

    async batchGet(requests, format, signal) {
      if (requests.length > MAX_BATCH) throw new RangeError(`a batch holds at most ${MAX_BATCH} requests, not ${requests.length}`);
      if (requests.length === 0) return [];
      const first = await sendBatch(requests, format, signal);
      const refused = first.outcomes.flatMap((outcome, index) => (isUnauthorized(outcome) ? [index] : []));
      if (refused.length === 0) return first.outcomes;
      // The batch was read, but its token ended before its parts were: those parts are asked again under a new one, once.
      tokens.invalidate(first.token);
      const again = await sendBatch(refused.flatMap((index) => requests[index] ?? []), format, signal);
      const outcomes = [...first.outcomes];
      again.outcomes.forEach((outcome, position) => {
        const index = refused[position];
        if (index !== undefined) outcomes[index] = outcome;
      });
      return outcomes;
    },
  };
}

interface Answer {
  readonly response: HttpResponse;
  /** The access token it was given for. */
  readonly token: string;
}

interface SentBatch {
  readonly token: string;
  readonly outcomes: readonly FetchOutcome[];
}

/**
 * Sends under an access token. A 401 is answered by one new token: where the grant has ended, the token endpoint says so. A second 401 with the new
 * token is a refusal as any other.
 */
async function authorized(tokens: TokenSource, { signal, maxBytes }: Omit<SentCall, 'token'>, call: (sent: SentCall) => Promise<HttpResponse>): Promise<Answer> {
  const token = await tokens.accessToken(signal);
  const response = await call({ token, signal, maxBytes });
  if (response.status !== 401) return { response, token };
  tokens.invalidate(token);
  const next = await tokens.accessToken(signal);
  return { response: await call({ token: next, signal, maxBytes }), token: next };
}

const isTooLarge = (error: unknown): boolean => error instanceof GmailError && error.cause instanceof ResponseTooLargeError;

const isUnauthorized = (outcome: FetchOutcome): boolean => outcome.kind === 'failed' && outcome.error.failure.kind === 'refused' && outcome.error.failure.status === 401;

function pathOf(request: FetchRequest, format: MessageFormat): string {
  return `/gmail/v1/users/me/${request.kind}s/${encodeURIComponent(request.id)}?format=${formatOf(request, format)}`;
}

const formatOf = (request: FetchRequest, format: MessageFormat): MessageFormat => (request.kind === 'message' ? (request.format ?? format) : format);

interface PartReader {
  readonly mailbox: MailboxId;
  readonly format: MessageFormat;
  /** Gives what a part failed with the time of its batch. */
  readonly onTime: (failure: GmailFailure) => GmailFailure;
}

function outcomeOf({ mailbox, format, onTime }: PartReader, request: FetchRequest, part: BatchPart | null): FetchOutcome {
  const method = request.kind === 'message' ? 'messages.get' : 'threads.get';
  const unusable = (status: number | null, detail: string): GmailError => gmailError(mailbox, method, { kind: 'unavailable', status, detail });
  if (part === null) return { kind: 'failed', request, error: unusable(null, 'its part of the batch is missing or cut off') };
  const text = part.body.toString('utf8');
  if (part.status !== 200) return { kind: 'failed', request, error: gmailError(mailbox, method, onTime(classify(method, part.status, text))) };
  try {
    const { readings, unreadable } = readingsOf(request, JSON.parse(text), part.body, format);
    return { kind: 'fetched', request, readings, unreadable: new Map([...unreadable].map(([id, detail]) => [id, unusable(part.status, detail)])) };
  } catch (error) {
    return { kind: 'failed', request, error: unusable(part.status, detailOf(error)) };
  }
}

/** Whatever the multipart headers say, an answer about another message is no answer to this request. */
function readingsOf(request: FetchRequest, json: unknown, bytes: Buffer, format: MessageFormat): Omit<ThreadRead, 'id'> {
  if (request.kind === 'message') {
    const reading = readingOf(json, bytes, formatOf(request, format));
    if (reading.id !== request.id) throw new MalformedAnswerError('the answer is about another message');
    return { readings: [reading], unreadable: new Map() };
  }
  const thread = threadReadingsOf(json, format);
  if (thread.id !== request.id) throw new MalformedAnswerError('the answer is about another thread');
  return thread;
}
