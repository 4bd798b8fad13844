import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';

/** Where a server listens. */
export interface ListeningAt {
  readonly port: number;
  /** The address and the port, as in a URL. */
  readonly authority: string;
}

/**
 * Makes a server listen.
 *
 * @param at.port - 0 takes a free one
 * @throws {Error} when the address cannot be listened on
 */
export async function listen(
  server: Server,
  at: { readonly port: number; readonly host: string },
): Promise<ListeningAt> {
  server.listen(at.port, at.host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { port: address.port, authority: `${name}:${address.port}` };
}

/** Closes a server and its connections at once, even in the middle of a request. */
export async function closeAtOnce(server: HttpServer): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
