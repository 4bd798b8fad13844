import type { gmail_v1 } from 'googleapis/build/src/apis/gmail/index.js';
import type { HttpResponse, Transport } from './transport.ts';

/** A call of one of Google's clients. It gets a resource of the client, and the options that all calls share. */
export type ClientCall<Resource> = (resource: Resource, options: CallOptions) => Promise<unknown>;
type CallOptions = Omit<gmail_v1.Options, 'version' | 'auth'>;

export interface SentCall {
  readonly token: string;
  readonly signal: AbortSignal;
  /** The largest allowed answer in bytes. */
  readonly maxBytes: number;
}

/** Sends one call of Google's client. Returns any answer, and throws what the transport threw. */
export type GoogleClient<Resource> = (call: ClientCall<Resource>, sent: SentCall) => Promise<HttpResponse>;

/**
 * Google's client composes each request (path, parameters, headers). Our transport sends it, and the answer is taken
 * from the transport as it came. The client's own retries and parsing are off, since pacing must see every call and
 * every refusal.
 *
 * @param resource - of a client whose root URL is set, for example `gmail({ version: 'v1', rootUrl }).users`
 */
export function createGoogleClient<Resource>(resource: Resource, transport: Transport): GoogleClient<Resource> {
  return async (call, { token, signal, maxBytes }) => {
    const outcomes: (HttpResponse | { readonly thrown: unknown })[] = [];
    const carry = async (
      input: unknown,
      init?: { readonly method?: string; readonly headers?: unknown; readonly body?: unknown },
    ): Promise<Response> => {
      try {
        const method = init?.method === 'POST' ? 'POST' : 'GET';
        const body = typeof init?.body === 'string' ? { body: init.body } : {};
        const answer = await transport({
          method,
          url: String(input),
          headers: headersOf(init?.headers),
          ...body,
          signal,
          maxBytes,
        });
        outcomes.push(answer);
        return new Response(null, { status: answer.status });
      } catch (error) {
        outcomes.push({ thrown: error });
        throw error;
      }
    };
    const options: CallOptions = {
      headers: { authorization: `Bearer ${token}` },
      signal,
      fetchImplementation: carry,
      retry: false,
      responseType: 'stream',
      validateStatus: () => true,
    };
    try {
      await call(resource, options);
    } catch {
      // The client's own error quotes the request with its token. What the transport threw replaces it below.
    }
    const outcome = outcomes.at(-1);
    if (outcome === undefined) throw new Error("Google's client sent no request");
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome;
  };
}

/** Drops accept-encoding: only the transport knows which compression it can undo. */
function headersOf(headers: unknown): Record<string, string> {
  const plain: Record<string, string> = {};
  if (!(headers instanceof Headers)) return plain;
  headers.forEach((value, name) => {
    if (name !== 'accept-encoding') plain[name] = value;
  });
  return plain;
}
