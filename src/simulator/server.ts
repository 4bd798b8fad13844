import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { listen } from '../host/listen.ts';
import { refusalOf, type RequestGuard } from '../model/request-guard.ts';
import { codeOf } from '../model/error-code.ts';
import { knownOptions, wholeFrom, type OptionNames } from '../model/options.ts';
import { UsageError } from '../model/program-errors.ts';
import { TidemarkError } from '../model/tidemark-error.ts';
import { ApiError } from './api-error.ts';
import { ControlApi } from './control.ts';
import type { GoogleSigner } from './google-signer.ts';
import { JSON_TYPE, type SimulatorRequest, type SimulatorResponse } from './http.ts';
import type { Simulator } from './simulator.ts';

/** What an HTTP server of a simulator serves, and where. */
export interface SimulatorServerOptions {
  /** The simulator that answers. */
  readonly simulator: Simulator;
  /** 0 takes a free port. */
  readonly port: number;
  /** Loopback when not given: anyone who can reach the simulator can read and change its mail. */
  readonly host?: string | undefined;
  /** Host names that requests may use, besides `localhost`, IP addresses and `host`. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** The signer whose public keys are served at {@link KEYS_PATH}; no keys are served when not given. */
  readonly signer?: GoogleSigner | undefined;
}

const OPTIONS: OptionNames<SimulatorServerOptions> = {
  simulator: true,
  port: true,
  host: true,
  allowedHosts: true,
  signer: true,
};

/** The HTTP server of a simulator. */
export interface SimulatorServer {
  /** `http://host:port`, to be used as a client's root URL. */
  readonly url: string;
  /** Closes every connection, including those with calls in flight. */
  close(): Promise<void>;
}

/** The path at which Google publishes the keys that verify its tokens. */
export const KEYS_PATH = '/oauth2/v3/certs';

/**
 * The reason for refusing a request that no Gmail client would send: it came from a page in a browser, or used a
 * foreign host name.
 */
const NOT_FOR_PAGES = 'hostNotAllowed';

const HOSTS_OPTION = 'allowedHosts, which docs/simulator.md explains';

/** Gmail accepts messages of 35 MB, which are longer as base64. A bigger request is refused with 413. */
const MAX_BODY_BYTES = 128 * 2 ** 20;

/**
 * Serves a simulator over HTTP: the Gmail API, the token endpoint at `/token`, and the control API below `/simulator/`
 * (docs/simulator.md).
 *
 * @param options - the simulator, and where it listens
 * @returns the server; close it in the end
 * @throws {UsageError} when an option is unknown, or the simulator or the port is missing
 * @throws {Error} when the port is taken
 */
export async function startSimulatorServer(options: SimulatorServerOptions): Promise<SimulatorServer> {
  const {
    simulator,
    port,
    host = '127.0.0.1',
    allowedHosts = [],
    signer,
  } = knownOptions('startSimulatorServer', options, OPTIONS);
  wholeFrom(0, 'port', port);
  if (typeof Reflect.get(Object(simulator), 'transport') !== 'function')
    throw new UsageError(
      'The simulator that startSimulatorServer was given is not a Simulator: give it a new Simulator.',
    );
  const control = new ControlApi(simulator);
  const keys = signer === undefined ? null : Buffer.from(JSON.stringify(signer.keySet));
  const answer = async (request: SimulatorRequest): Promise<SimulatorResponse> => {
    if (keys !== null && request.url === KEYS_PATH)
      return { status: 200, headers: { 'content-type': JSON_TYPE }, body: keys };
    return control.handles(request.url) ? control.answer(request) : simulator.transport(request);
  };
  const guard: RequestGuard = { hosts: [host, ...allowedHosts], hostsOption: HOSTS_OPTION, origins: [] };
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const refusal = refusalOf({ method: request.method ?? '', headers: request.headers }, guard);
    if (refusal !== null) return send(response, refused(refusal, control.handles(request.url ?? '')));
    serve(answer, request, response).catch((error: unknown) => fail(error, response));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const { authority } = await listen(server, { port, host });
  return {
    url: `http://${authority}`,
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function serve(
  answer: (request: SimulatorRequest) => Promise<SimulatorResponse>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await readAll(incoming);
  if (body === null) {
    send(outgoing, { status: 413, headers: { connection: 'close' }, body: Buffer.alloc(0) });
    return;
  }
  const aborted = new AbortController();
  outgoing.once('close', () => aborted.abort());
  const request: SimulatorRequest = {
    method: incoming.method ?? 'GET',
    url: incoming.url ?? '/',
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : (value ?? ''),
      ]),
    ),
    body,
    signal: aborted.signal,
  };
  send(outgoing, await answer(request));
}

/** A refusal before the body is read, so the connection closes after the answer. */
function refused(reason: string, isControl: boolean): SimulatorResponse {
  const body = isControl ? JSON.stringify({ error: reason }) : new ApiError(403, NOT_FOR_PAGES, reason).toJSON();
  return { status: 403, headers: { 'content-type': JSON_TYPE, connection: 'close' }, body: Buffer.from(body) };
}

/**
 * Breaks the connection for a reset on command or when the client has disconnected. An error that the simulator throws
 * on purpose says what to do; any other error is a bug, and the answer says so.
 */
function fail(error: unknown, outgoing: ServerResponse): void {
  const isReset = codeOf(error) === 'ECONNRESET';
  if (isReset || outgoing.destroyed || outgoing.headersSent) {
    outgoing.socket?.destroy();
    return;
  }
  send(outgoing, {
    status: 500,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: Buffer.from(`${failureText(error)}\n`),
  });
}

function failureText(error: unknown): string {
  if (error instanceof TidemarkError) return `The simulator cannot answer this call: ${error.message}`;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `The simulator failed. This is a bug in it; please report it with these lines: ${text}`;
}

/** Sends a response. A response that a fault cut off states its full length, so that the client can detect the cut. */
function send(outgoing: ServerResponse, { status, headers, body, fullLength = body.length }: SimulatorResponse): void {
  outgoing.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': fullLength }) });
  if (fullLength === body.length) {
    outgoing.end(body);
    return;
  }
  outgoing.write(body, () => outgoing.socket?.destroy());
}

async function readAll(incoming: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a request body comes in bytes');
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
