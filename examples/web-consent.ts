// A product's own routes: its customers connect their mailboxes. Run it beside `npm start`'s server, or with your own configuration.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { beginConsent, completeConsent, ConsentError, loadConfig, openTidemark, type PendingConsent } from '../src/index.ts';

const config = loadConfig();
const tidemark = await openTidemark({ config });
const client = readFileSync(process.env['CLIENT_FILE'] ?? 'client.json', 'utf8');
const redirectUri = process.env['REDIRECT_URI'] ?? 'http://localhost:3000/gmail/callback';

/** Stands for your sessions on the server: what is pending must not reach the browser. */
const sessions = new Map<string, PendingConsent>();

createServer((request, response) => {
  void route(request, response).catch((error: unknown) => {
    // A ConsentError's message is for the customer; anything else is yours to look at.
    response.writeHead(error instanceof ConsentError ? 400 : 500).end(error instanceof ConsentError ? error.message : 'Something went wrong.');
  });
}).listen(Number(new URL(redirectUri).port || 3000), () => console.log(`open ${new URL('/gmail/connect', redirectUri).href}`));

async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', redirectUri);
  if (url.pathname === '/gmail/connect') {
    const { url: location, pending } = beginConsent({ config, client, redirectUri });
    sessions.set(pending.state, pending);
    response.writeHead(302, { location }).end();
    return;
  }
  const pending = sessions.get(url.searchParams.get('state') ?? '');
  if (url.pathname !== new URL(redirectUri).pathname || pending === undefined) {
    response.writeHead(404).end();
    return;
  }
  sessions.delete(pending.state);
  const { mailbox } = await completeConsent({ config, stores: tidemark, client, pending, callbackUrl: url.href });
  if (!(await tidemark.client.reconnect(mailbox))) await tidemark.client.start(mailbox);
  response.end(`${mailbox} is connected.`);
}
