// Receives Tidemark's webhooks: verifies the signature, and deals with each delivery once.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { Webhook } from 'standardwebhooks';

/** See docs/webhooks.md. */
interface Payload {
  readonly type: string;
  readonly data: { readonly mailbox?: string; readonly messageId?: string; readonly events?: readonly Payload[] };
}

const secret = process.env['WEBHOOK_SECRET'];
if (secret === undefined) throw new Error('WEBHOOK_SECRET is not set: give the secret of the subscription, whsec_…');
const webhook = new Webhook(secret);
/** A delivery comes again when its answer was lost. Keep these ids in your database, for some days. */
const seen = new Set<string>();

const app = new Hono();

app.post('/hooks/mail', async (context) => {
  // The signature covers the text exactly as it came.
  const body = await context.req.text();
  let payload: Payload;
  try {
    payload = webhook.verify(body, context.req.header()) as Payload;
  } catch {
    return context.text('the signature does not match', 401);
  }
  const id = context.req.header('webhook-id') ?? '';
  if (!seen.has(id)) {
    for (const { type, data } of payload.data.events ?? [payload])
      console.log([type, data.mailbox, data.messageId].filter((part) => part !== undefined).join(' '));
    seen.add(id);
  }
  return context.body(null, 204);
});

serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000) }, ({ port }) =>
  console.log(`waiting for webhooks at http://localhost:${port}/hooks/mail`),
);
