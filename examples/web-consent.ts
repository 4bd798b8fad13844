// Routes of a product whose customers connect their mailboxes.
// Run it beside `npm start`, or with your own configuration.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import {
  beginConsent,
  completeConsent,
  ConsentError,
  loadConfig,
  openTidemark,
  type PendingConsent,
} from '../src/index.ts';

const config = loadConfig();
const tidemark = await openTidemark({ config });
const client = readFileSync(process.env['CLIENT_FILE'] ?? 'client.json', 'utf8');
const redirectUri = process.env['REDIRECT_URI'] ?? 'http://localhost:3000/gmail/callback';

/**
 * Stands for your sessions on the server. A pending consent must not reach the browser, which holds only a random name
 * for it in a cookie. So only the browser that began a consent can complete it, and nobody can make a customer's
 * browser connect somebody else's mailbox.
 */
const consents = new Map<string, PendingConsent>();
const COOKIE = 'gmail-consent';
const LIFETIME_SECONDS = 600;
const attributes =
  'HttpOnly; SameSite=Lax; ' +
  `Path=${new URL(redirectUri).pathname}${new URL(redirectUri).protocol === 'https:' ? '; Secure' : ''}`;

createServer((request, response) => {
  void route(request, response).catch((error: unknown) => {
    // Show the customer the message of a ConsentError, and nothing of other errors.
    response
      .writeHead(error instanceof ConsentError ? 400 : 500)
      .end(error instanceof ConsentError ? error.message : 'Something went wrong.');
  });
}).listen(Number(new URL(redirectUri).port || 3000), () =>
  console.log(`open ${new URL('/gmail/connect', redirectUri).href}`),
);

async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', redirectUri);
  if (url.pathname === '/gmail/connect') {
    const { url: location, pending } = beginConsent({ config, client, redirectUri });
    const name = randomBytes(32).toString('base64url');
    consents.set(name, pending);
    setTimeout(() => consents.delete(name), LIFETIME_SECONDS * 1_000).unref();
    response
      .writeHead(302, { location, 'set-cookie': `${COOKIE}=${name}; Max-Age=${LIFETIME_SECONDS}; ${attributes}` })
      .end();
    return;
  }
  if (url.pathname !== new URL(redirectUri).pathname) {
    response.writeHead(404).end();
    return;
  }
  const name = cookieOf(request);
  const pending = consents.get(name);
  if (pending === undefined) {
    response.writeHead(400).end('No consent was begun in this browser, or it is too long ago. Begin again.');
    return;
  }
  consents.delete(name);
  response.setHeader('set-cookie', `${COOKIE}=; Max-Age=0; ${attributes}`);
  // Refuses an answer whose state is not this browser's.
  const { mailbox } = await completeConsent({ config, stores: tidemark, client, pending, callbackUrl: url.href });
  if (!(await tidemark.client.reconnect(mailbox))) await tidemark.client.start(mailbox);
  response.end(`${mailbox} is connected.`);
}

function cookieOf({ headers }: IncomingMessage): string {
  const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim().split('='));
  return cookies.find(([key]) => key === COOKIE)?.[1] ?? '';
}
