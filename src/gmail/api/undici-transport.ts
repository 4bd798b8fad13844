import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent, type Dispatcher } from 'undici';
import { codeOf } from '../../model/error-code.ts';
import {
  ResponseTooLargeError,
  SMALL_ANSWER,
  type HttpRequest,
  type HttpResponse,
  type Transport,
} from './transport.ts';

/** Connections to each origin. Further requests wait for a free one. */
export const MOST_CONNECTIONS = 32;
/** Milliseconds to connect. */
const CONNECTS_WITHIN = 10_000;
/** Milliseconds to wait for headers, or for the next piece of a body. The caller limits the time of a whole call. */
const LONGEST_SILENCE = 60_000;

export interface UndiciTransport {
  readonly transport: Transport;
  /** Waits for pending requests, then closes all connections. */
  readonly close: () => Promise<void>;
}

const decompress = promisify(gunzip);

/**
 * Sends requests to the real Gmail, or to a simulator over HTTP, with keep-alive connections and gzip.
 *
 * @returns a transport that throws undici's errors, the signal's reason, and {@link ResponseTooLargeError}
 */
export function createUndiciTransport(): UndiciTransport {
  const agent = new Agent({
    connections: MOST_CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECTS_WITHIN },
    headersTimeout: LONGEST_SILENCE,
    bodyTimeout: LONGEST_SILENCE,
    keepAliveTimeout: 30_000,
  });
  return {
    transport: (request) => send(agent, request),
    close: () => agent.close(),
  };
}

async function send(agent: Agent, request: HttpRequest): Promise<HttpResponse> {
  const { maxBytes = SMALL_ANSWER } = request;
  const url = new URL(request.url);
  const answer = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: request.method,
    headers: { 'user-agent': 'tidemark (gzip)', ...request.headers, 'accept-encoding': 'gzip' },
    ...(request.body === undefined ? {} : { body: request.body }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  const received = await collect(answer, maxBytes);
  const headers = singleHeaders(answer.headers);
  if (headers['content-encoding'] !== 'gzip') return { status: answer.statusCode, headers, body: received };
  return { status: answer.statusCode, headers: withoutEncoding(headers), body: await unzip(received, maxBytes) };
}

/**
 * Stops reading as soon as the answer is too large: a few huge messages in one batch must not exhaust the process's
 * memory.
 */
async function collect(answer: Dispatcher.ResponseData, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of answer.body) {
    const bytes = Buffer.from(piece);
    size += bytes.length;
    if (size > maxBytes) {
      answer.body.destroy();
      throw new ResponseTooLargeError(maxBytes);
    }
    pieces.push(bytes);
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, size);
}

async function unzip(received: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await decompress(received, { maxOutputLength: maxBytes });
  } catch (error) {
    const tooLarge = codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
    throw tooLarge ? new ResponseTooLargeError(maxBytes, { cause: error }) : error;
  }
}

function singleHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return single;
}

function withoutEncoding(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name !== 'content-encoding' && name !== 'content-length'),
  );
}
