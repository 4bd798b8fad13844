import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeAtOnce, listen } from '../src/host/listen.ts';
import type { Ends } from './in-folder.ts';

/**
 * Passes HTTP requests on, each after its own random time, as a busy network does: calls then arrive closer together
 * than they were sent.
 *
 * @param options.to - the server's root
 * @param options.latest - ms by which a request is late at most
 * @returns the root to send requests to
 */
export async function startLateArrivals(
  { to, latest }: { readonly to: string; readonly latest: number },
  ends: Ends,
): Promise<string> {
  const agent = new Agent({ keepAlive: true });
  const pass = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    await sleep(Math.random() * latest);
    const { method = 'GET', headers, url = '/' } = incoming;
    const outgoing = request(new URL(url, to), { agent, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  };
  const server = createServer((incoming, response) => void pass(incoming, response));
  const { port } = await listen(server, { host: '127.0.0.1', port: 0 });
  ends.push(() => agent.destroy());
  ends.push(() => closeAtOnce(server));
  return `http://127.0.0.1:${port}`;
}
