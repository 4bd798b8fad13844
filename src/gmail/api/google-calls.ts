import { gmail, type gmail_v1 } from 'googleapis/build/src/apis/gmail/index.js';
import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { GmailMethod } from '../../model/prices.ts';
import { detailOf } from './answers.ts';
import { ANSWER_LIMITS } from './answer-limits.ts';
import { classify, classifyThrown, gmailError, type SentMethod } from './classify.ts';
import { withDeadline } from '../../model/deadline.ts';
import { byOurClock } from './gmail-date.ts';
import { GmailError } from './gmail-error.ts';
import { createGoogleClient, type ClientCall, type GoogleClient, type SentCall } from './google-client.ts';
import type { TokenSource } from './token-source.ts';
import type { HttpResponse, Transport } from './transport.ts';

export interface GoogleGmailOptions {
  readonly mailbox: MailboxId;
  readonly tokens: TokenSource;
  readonly transport: Transport;
  /** `https://gmail.googleapis.com`, or a simulator's address. */
  readonly rootUrl: string;
  readonly clock: Clock;
  /** Milliseconds that one call may take, including the request for a new token. */
  readonly timeoutMs?: number;
}

interface Answer {
  readonly response: HttpResponse;
  /** The access token with which the answered call was sent. */
  readonly token: string;
}

/**
 * Sends the calls of one mailbox, each with an access token and a deadline. Throws a GmailError if Gmail does not
 * answer with success.
 */
export class GoogleCalls {
  readonly rootUrl: string;
  readonly #options: GoogleGmailOptions;
  readonly #client: GoogleClient<gmail_v1.Resource$Users>;

  constructor(options: GoogleGmailOptions) {
    this.rootUrl = options.rootUrl.replace(/\/+$/, '');
    this.#options = options;
    this.#client = createGoogleClient(gmail({ version: 'v1', rootUrl: `${this.rootUrl}/` }).users, options.transport);
  }

  /**
   * @throws {GmailError} for every answer but 200 and 204, and when no answer came; the signal's reason when it aborts
   */
  async send(
    method: SentMethod,
    signal: AbortSignal | undefined,
    call: (sent: SentCall) => Promise<HttpResponse>,
  ): Promise<Answer> {
    const { mailbox, tokens, clock, timeoutMs = 60_000 } = this.#options;
    let answer: Answer;
    try {
      answer = await withDeadline({ clock, milliseconds: timeoutMs, signal }, (limited) =>
        authorized(tokens, { signal: limited, maxBytes: ANSWER_LIMITS[method] }, call),
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof GmailError) throw error;
      throw gmailError(mailbox, method, classifyThrown(error), error);
    }
    const { status, body } = answer.response;
    // 204 is the empty answer of users.stop.
    if (status !== 200 && status !== 204)
      throw gmailError(
        mailbox,
        method,
        byOurClock(classify(method, status, body.toString('utf8')), answer.response, clock.now()),
      );
    return answer;
  }

  /** Sends a call of Google's client without reading its answer. */
  async call(
    method: GmailMethod,
    signal: AbortSignal | undefined,
    call: ClientCall<gmail_v1.Resource$Users>,
  ): Promise<HttpResponse> {
    const { response } = await this.send(method, signal, (sent) => this.#client(call, sent));
    return response;
  }

  /** Sends a call of Google's client, and reads its answer. */
  async get<Result>(
    method: GmailMethod,
    signal: AbortSignal | undefined,
    call: ClientCall<gmail_v1.Resource$Users>,
    read: (json: unknown) => Result,
  ): Promise<Result> {
    const response = await this.call(method, signal, call);
    try {
      return read(JSON.parse(response.body.toString('utf8')));
    } catch (error) {
      // The parser's error quotes what it read, which may be mail: it is not passed on.
      throw gmailError(this.#options.mailbox, method, {
        kind: 'unavailable',
        status: response.status,
        detail: detailOf(error),
      });
    }
  }
}

/**
 * Sends a call with an access token. After a 401, gets a new token and sends the call once more; if the grant has
 * ended, the token endpoint says so. A second 401, with the new token, is a refusal like any other.
 */
async function authorized(
  tokens: TokenSource,
  { signal, maxBytes }: Omit<SentCall, 'token'>,
  call: (sent: SentCall) => Promise<HttpResponse>,
): Promise<Answer> {
  const token = await tokens.accessToken(signal);
  const response = await call({ token, signal, maxBytes });
  if (response.status !== 401) return { response, token };
  tokens.invalidate(token);
  const next = await tokens.accessToken(signal);
  return { response: await call({ token: next, signal, maxBytes }), token: next };
}
