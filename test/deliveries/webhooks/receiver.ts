import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Port of the sender's socket: requests over one connection have the same. */
  readonly from: number | undefined;
}

/** A server of a test that receives webhooks. */
export class Receiver {
  readonly port: number;
  readonly received: Received[] = [];
  /** Sockets that were opened, whether anything was sent over them or not. */
  connections = 0;
  /** How the next requests are answered. */
  answer: (response: ServerResponse, request: Received) => void = (response) => response.end();
  readonly #server: Server & { closeAllConnections(): void };

  private constructor(server: Server & { closeAllConnections(): void }, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** @param options.port - 0 takes a free one */
  static async open(
    options: { readonly host?: string; readonly port?: number; readonly tls?: { cert: string; key: string } } = {},
  ): Promise<Receiver> {
    const { host = '127.0.0.1', port = 0, tls } = options;
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the receiver has no port');
    const receiver = new Receiver(server, address.port);
    server.on('connection', () => receiver.connections++);
    server.on('request', (request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.on('end', () => {
        const received = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          body,
          from: request.socket.remotePort,
        };
        receiver.received.push(received);
        receiver.answer(response, received);
      });
    });
    return receiver;
  }

  /** Answers the following requests with a status. */
  answers(status: number, headers: Record<string, string> = {}, body = ''): void {
    this.answer = (response) => void response.writeHead(status, headers).end(body);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** A certificate for a name, signed by itself, and valid for a day. */
export function certificateOf(name: string): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-certificate-'));
  try {
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=${name}
        -addext subjectAltName=DNS:${name} -keyout key.pem -out cert.pem`.split(/\s+/),
      { cwd: folder, stdio: 'pipe' },
    );
    return {
      cert: readFileSync(join(folder, 'cert.pem'), 'utf8'),
      key: readFileSync(join(folder, 'key.pem'), 'utf8'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
