import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { isSame } from '../gmail/access/authorization.ts';
import { closeAtOnce, listen } from '../host/listen.ts';

export interface LoopbackRedirect {
  /** `http://127.0.0.1:PORT`. Google accepts any port of the loopback address. */
  readonly redirectUri: string;
  /**
   * Resolves with the answer to the request for consent with this `state`. Any other request to the port is turned away
   * and does not end the wait, so another program on this machine cannot make the consent fail.
   *
   * @throws the signal's reason when it aborts
   */
  answerTo(state: string, signal: AbortSignal): Promise<BrowserAnswer>;
  /** Closes the server and drops the connections that are open. */
  close(): Promise<void>;
}

export interface BrowserAnswer {
  readonly url: string;
  /** Shows the person, in the browser, how the consent ended. */
  show(page: { readonly title: string; readonly text: string }): Promise<void>;
}

/**
 * Listens on 127.0.0.1 for the redirect that ends a consent.
 *
 * @param options.port - 0 takes a free one
 * @throws {Error} when the port is taken
 * @see https://developers.google.com/identity/protocols/oauth2/native-app#redirect-uri_loopback
 */
export async function listenForRedirect({ port }: { port: number }): Promise<LoopbackRedirect> {
  const waiting = new Map<string, (answer: BrowserAnswer) => void>();
  const server = createServer((request, response) => {
    // A path like // does not parse as an address, and a throw here would end the process.
    const path = request.url ?? '/';
    if (!URL.canParse(path, 'http://127.0.0.1')) return turnAway(request, response);
    const url = new URL(path, 'http://127.0.0.1');
    const state = url.searchParams.get('state') ?? '';
    const known = [...waiting.keys()].find((expected) => isSame(expected, state));
    const take = known === undefined ? undefined : waiting.get(known);
    if (known === undefined || take === undefined || request.method !== 'GET') return turnAway(request, response);
    waiting.delete(known);
    take({ url: url.href, show: (page) => showPage(response, 200, page) });
  });
  const { authority } = await listen(server, { port, host: '127.0.0.1' });
  return {
    redirectUri: `http://${authority}`,
    answerTo: (state, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        waiting.set(state, resolve);
      }),
    close: () => closeAtOnce(server),
  };
}

function turnAway(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  void showPage(response, 404, {
    title: 'Not here',
    text: 'Tidemark waits for the answer to its own request for consent.',
  });
}

/** The page's address contains the code: the headers keep it from other sites and from caches. */
function showPage(
  response: ServerResponse,
  status: number,
  { title, text }: { title: string; text: string },
): Promise<void> {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    connection: 'close',
  });
  const html =
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(title)} · ` +
    'Tidemark</title><style>body{font:1.1rem/1.5 system-ui;max-width:36rem;margin:20vh auto;padding:0 ' +
    `1rem}</style><h1>${escape(title)}</h1><p>${escape(text)}</p></html>`;
  return new Promise((resolve) => {
    response.on('close', resolve);
    response.end(html);
  });
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
