import { connect, createServer, type AddressInfo } from 'node:net';

import { TemporalServerError } from './temporal-server-error.ts';

const HOST = '127.0.0.1';
/** The default ports of Temporal's server and its UI. */
export const USUAL_PORTS = { frontend: 7233, ui: 8233 };
/** How many ports are tried, beginning with the wanted one. */
const TRIED = 100;

/**
 * The first free port from `wanted` on; any free port for 0. Another process may take the port before it is used, so
 * the caller must handle a failure to listen.
 * @throws {TemporalServerError} when a hundred ports in a row are taken
 */
export async function freePort(wanted: number, except: readonly number[] = []): Promise<number> {
  for (let port = wanted; port < Math.min(wanted + TRIED, 65_536); port += 1) {
    const found = except.includes(port) ? null : await tryListen(port);
    if (found !== null && (wanted === 0 || !(await answers(found)))) return found;
    if (wanted === 0) port -= 1;
  }
  throw new TemporalServerError(
    `The ports from ${wanted} to ${wanted + TRIED - 1} are all in use: free one of them and try again.`,
  );
}

function tryListen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host: HOST, port, exclusive: true }, () => {
      const { port: listened } = server.address() as AddressInfo;
      server.close(() => resolve(listened));
    });
  });
}

/** Whether a port accepts connections. (On macOS, a port that another process has on all addresses can be taken.) */
export function answers(port: number, host: string = HOST): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const finish = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

/** Whether a Temporal server's address accepts connections: `host` or `host:port`, with a scheme or without. */
export function isListening(address: string): Promise<boolean> {
  const [, host, port] = /^(?:\w+:\/\/)?\[?(.+?)\]?(?::(\d+))?$/.exec(address) ?? [];
  return answers(Number(port ?? USUAL_PORTS.frontend), host);
}
