// A page on which customers of a product connect their mailboxes, and are asked again when a consent was withdrawn.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';

import { ConsentError, openTidemark, type PendingConsent } from 'tidemark';
import { createLog, createWorker } from 'tidemark/worker';

const log = createLog('warn');
const worker = await createWorker({ log });
const tidemark = await openTidemark();
/** The OAuth client, as the Google Cloud console offers it. */
const client = readFileSync(process.env['CLIENT_FILE'] ?? 'client.json', 'utf8');
const redirectUri = process.env['REDIRECT_URI'] ?? 'http://localhost:3000/gmail/callback';
const { pathname: path, protocol, port } = new URL(redirectUri);

/**
 * Stands for your sessions on the server. A pending consent must not reach the browser, which holds only a random name
 * for it in a cookie. So only the browser that began a consent can complete it, and nobody can make a customer's
 * browser connect somebody else's mailbox.
 */
const consents = new Map<string, PendingConsent>();
const COOKIE = 'gmail-consent';
const maxAge = 600;

const app = new Hono();

app.get('/', async (context) => {
  const customers = await tidemark.client.list();
  return context.html(
    html`<!doctype html>
      <meta charset="utf-8" />
      <title>Mailboxes</title>
      <style>
        body {
          font: 16px/1.6 system-ui;
          max-width: 40rem;
          margin: 2rem auto;
        }
        td {
          padding: 0.2rem 1rem 0.2rem 0;
        }
      </style>
      <h1>Mailboxes</h1>
      <table>
        ${customers.map(({ mailbox, phase }) => {
          const again = html`<a href="/gmail/connect?mailbox=${encodeURIComponent(mailbox)}">connect again</a>`;
          return html`<tr>
            <td>${mailbox}</td>
            <td>${phase}</td>
            <td>${phase === 'needs-consent' ? again : ''}</td>
          </tr>`;
        })}
      </table>
      <p><a href="/gmail/connect">Connect a mailbox</a></p>`,
  );
});

app.get('/gmail/connect', (context) => {
  const mailbox = context.req.query('mailbox');
  const { url, pending } = tidemark.accounts.beginConsent({ client, redirectUri, mailbox });
  const name = randomBytes(32).toString('base64url');
  consents.set(name, pending);
  setTimeout(() => consents.delete(name), maxAge * 1_000).unref();
  setCookie(context, COOKIE, name, { path, maxAge, httpOnly: true, sameSite: 'Lax', secure: protocol === 'https:' });
  return context.redirect(url);
});

app.get(path, async (context) => {
  const name = getCookie(context, COOKIE) ?? '';
  const pending = consents.get(name);
  if (pending === undefined)
    return context.text('This browser has not begun a consent, or began it too long ago. Please begin again.', 400);
  consents.delete(name);
  deleteCookie(context, COOKIE, { path });
  // Refuses an answer whose state is not this browser's.
  const { mailbox } = await tidemark.accounts.completeConsent({ client, pending, callbackUrl: context.req.url });
  if (!(await tidemark.client.reconnect(mailbox))) await tidemark.client.start(mailbox);
  console.log(`${mailbox} is connected`);
  return context.redirect('/');
});

// A customer may read the message of a ConsentError, and nothing of other errors.
app.onError((error, context) => {
  if (error instanceof ConsentError) return context.text(error.message, 400);
  log.error({ error }, 'a request failed');
  return context.text('Something went wrong.', 500);
});

const server = serve({ fetch: app.fetch, port: Number(port || 3000) }, () =>
  console.log(`open ${new URL('/', redirectUri).href}`),
);

async function stop(): Promise<void> {
  server.close();
  await worker.stop();
  await tidemark.close();
  process.exit();
}
process.once('SIGINT', () => void stop()).once('SIGTERM', () => void stop());
