// A page that shows new mail as it arrives. A handler in this process's worker is called with each new message of the
// inbox; the page's first messages are read from Tidemark's database.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { html } from 'hono/html';
import { streamSSE } from 'hono/streaming';

import { openTidemark, type Message } from 'tidemark';
import { createWorker, type Handler } from 'tidemark/worker';

const mailbox = process.env['MAILBOX'] ?? 'ada@example.com';

/** Pages that are open now; each is sent the new rows. */
const pages = new Set<(row: string) => Promise<void>>();

const inbox: Handler = {
  filter: { kinds: ['stored'], labels: ['INBOX'] },
  async handle(changes, { message }) {
    for (const { messageId } of changes) {
      const mail = await message(messageId);
      if (mail === null) continue;
      // In an object, so that control characters of a stranger's subject are shown and do not reach the terminal.
      console.log('in the inbox:', { subject: mail.subject });
      const row = String(await rowOf(mail));
      for (const send of pages) await send(row);
    }
  },
};

/** `html` escapes what the mail says. */
const rowOf = ({ id, from, subject, date }: Message) =>
  html`<li id="${id}">
    <b>${from?.name || from?.address || 'nobody'}</b> ${subject ?? ''} <time>${date?.toLocaleString()}</time>
  </li>`;

const worker = await createWorker({ handlers: { inbox } });
const tidemark = await openTidemark();
// In production, Gmail's push notifications announce new mail; here the mailbox polls every two seconds.
await tidemark.client.start(mailbox, { pollInterval: 2_000 });

const app = new Hono();

app.get('/', async (context) => {
  const rows: ReturnType<typeof rowOf>[] = [];
  for await (const message of tidemark.mailbox(mailbox).messages({ label: 'INBOX' })) {
    rows.push(rowOf(message));
    if (rows.length === 20) break;
  }
  return context.html(
    html`<!doctype html>
      <meta charset="utf-8" />
      <title>Inbox of ${mailbox}</title>
      <style>
        body {
          font: 16px/1.6 system-ui;
          max-width: 50rem;
          margin: 2rem auto;
        }
        ul {
          list-style: none;
          padding: 0;
        }
        li {
          border-bottom: 1px solid #ddd;
          padding: 0.3rem 0;
        }
        time {
          float: right;
          color: #777;
          font-size: 0.8em;
        }
      </style>
      <h1>Inbox of ${mailbox}</h1>
      <ul>
        ${rows}
      </ul>
      <script>
        const list = document.querySelector('ul');
        new EventSource('/new').onmessage = ({ data }) => {
          // A handler may be called twice with the same message.
          const id = /id="([^"]+)"/.exec(data)[1];
          document.getElementById(id)?.remove();
          list.insertAdjacentHTML('afterbegin', data);
        };
      </script>`,
  );
});

app.get('/new', (context) =>
  streamSSE(context, async (stream) => {
    const send = (row: string) => stream.writeSSE({ data: row });
    pages.add(send);
    await new Promise<void>((resolve) => stream.onAbort(resolve));
    pages.delete(send);
  }),
);

const server = serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000) }, ({ port }) =>
  console.log(`open http://localhost:${port}`),
);

async function stop(): Promise<void> {
  server.close();
  await worker.stop();
  await tidemark.close();
  process.exit();
}
process.once('SIGINT', () => void stop()).once('SIGTERM', () => void stop());
