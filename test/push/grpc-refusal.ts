import { once } from 'node:events';
import { createServer, type Http2Session } from 'node:http2';

import { listen } from '../../src/host/listen.ts';

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
  const { port } = await listen(server, { port: 0, host: '127.0.0.1' });
  return {
    port,
    calls: () => calls,
    close: async () => {
      server.close();
      for (const session of sessions) session.destroy();
      await once(server, 'close');
    },
  };
}
