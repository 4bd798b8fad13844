import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

import type { Clock } from '../model/clock.ts';
import { refusalOf, type RequestGuard } from '../model/request-guard.ts';
import { listen } from './listen.ts';

export interface HttpServerOptions {
  readonly app: Hono;
  /** 0 takes a free port. */
  readonly port: number;
  readonly host: string;
  /** Certificate chain and key in PEM form; null for plain HTTP, when TLS ends in front of the server. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  /** Refuses requests from pages in browsers; null for a server that identifies its callers in another way. */
  readonly guard: RequestGuard | null;
  readonly clock: Clock;
}

export interface HttpServer {
  readonly url: string;
  /** Accepts no more connections, and ends once the requests under way are answered, or after 8 seconds. */
  close(): Promise<void>;
}

/** In milliseconds. Google's senders are faster than this. */
const TIMEOUTS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 60_000,
};
const DRAIN_TIME = 8_000;
const MAX_HEADER_BYTES = 16 * 1_024;
const MAX_CONNECTIONS = 2_000;

/** @throws {Error} when the port is taken or the certificate is unusable */
export async function startHttpServer({ app, port, host, tls, guard, clock }: HttpServerOptions): Promise<HttpServer> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const options = { ...TIMEOUTS, maxHeaderSize: MAX_HEADER_BYTES };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const refusal =
      guard === null ? null : refusalOf({ method: request.method ?? '', headers: request.headers }, guard);
    if (refusal === null) void listener(request, response);
    else
      response
        .writeHead(403, { 'content-type': 'application/json', connection: 'close' })
        .end(JSON.stringify({ message: refusal }));
  };
  const server: Server = tls === null ? createServer(options, serve) : createTlsServer({ ...options, ...tls }, serve);
  server.maxConnections = MAX_CONNECTIONS;
  const { authority } = await listen(server, { port, host });
  return {
    url: `${tls === null ? 'http' : 'https'}://${authority}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const drained = new AbortController();
      const late = clock.sleep(DRAIN_TIME, drained.signal).then(
        () => server.closeAllConnections(),
        () => undefined,
      );
      await closed;
      drained.abort();
      await late;
    },
  };
}
