import { once } from 'node:events';
import { createServer, type Http2Session } from 'node:http2';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';

/** A gRPC server that refuses every call. */
export interface RefusingServer {
  readonly port: number;
  /** Calls so far. */
  readonly calls: () => number;
  close(): Promise<void>;
}

/** @param status - gRPC's code: https://grpc.io/docs/guides/status-codes/ */
export async function refuseWith(status: number): Promise<RefusingServer> {
  let calls = 0;
  const sessions = new Set<Http2Session>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    calls += 1;
    stream.on('error', () => undefined);
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(status),
        'grpc-message': 'refused by the test',
      },
      { endStream: true },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    calls: () => calls,
    close: async () => {
      server.close();
      for (const session of sessions) session.destroy();
      await once(server, 'close');
    },
  };
}

/** A port that leads to another one, or to none: connections break when that changes. */
export class Switchboard {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: number | null;

  private constructor(server: Server, target: number | null) {
    this.#server = server;
    this.port = portOf(server);
    this.#target = target;
    server.on('connection', (socket) => this.#lead(socket));
  }

  static async to(target: number | null): Promise<Switchboard> {
    const server = createTcpServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Switchboard(server, target);
  }

  leadTo(target: number | null): void {
    this.#target = target;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.leadTo(null);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #lead(socket: Socket): void {
    if (this.#target === null) return void socket.destroy();
    const onward = connect(this.#target, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}

function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}
