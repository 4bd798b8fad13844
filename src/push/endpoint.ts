import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

import type { Log } from '../host/log.ts';
import { InvalidTokenError, KeysUnavailableError, type TokenVerifier } from './google-token.ts';
import { notificationInEnvelope } from './notification.ts';
import type { NotificationOutcome, Receiver } from './receiver.ts';

export interface EndpointOptions {
  readonly receiver: Receiver;
  /** null serves only the health routes. */
  readonly verify: TokenVerifier | null;
  /** Why notifications cannot be accepted now; null when they can. */
  readonly notReady: () => Promise<string | null>;
  readonly log: Log;
}

/** Gmail's notifications are smaller than a kilobyte. */
const MAX_BODY_BYTES = 64 * 1_024;

/**
 * Pub/Sub treats 204 as an acknowledgement and redelivers after every other status used here:
 * https://cloud.google.com/pubsub/docs/push#receive_push
 */
const STATUS: Readonly<Record<NotificationOutcome, 204 | ContentfulStatusCode>> = {
  accepted: 204,
  'unknown-mailbox': 204,
  unauthorized: 401,
  malformed: 400,
  'too-large': 413,
  overloaded: 503,
  failed: 503,
};

/** When the body was not read, the connection closes after the answer, so that a large body never has to be read. */
const HEADERS: Readonly<Partial<Record<NotificationOutcome, Record<string, string>>>> = {
  unauthorized: { connection: 'close' },
  'too-large': { connection: 'close' },
  overloaded: { 'retry-after': '5' },
  failed: { 'retry-after': '5' },
};

/**
 * Serves `POST /push` for a Pub/Sub push subscription, `/healthz` and `/readyz`. The token is verified before the body
 * is read. The answer is 204 only once Temporal has accepted the signal, or when the mailbox does not run here.
 */
export function createEndpoint({ receiver, verify, notReady, log }: EndpointOptions): Hono {
  const app = new Hono();
  const answer = (outcome: NotificationOutcome): Response => {
    const status = STATUS[outcome];
    if (status === 204) return new Response(null, { status });
    return Response.json({ outcome }, { status, headers: HEADERS[outcome] ?? {} });
  };

  app.get('/healthz', (context) => context.json({ status: 'ok' }));
  app.get('/readyz', async (context) => {
    const reason = await notReady();
    return reason === null ? context.json({ status: 'ready' }) : context.json({ status: 'not ready', reason }, 503);
  });

  if (verify !== null) {
    app.post(
      '/push',
      async (context, next) => {
        try {
          await verify(context.req.header('authorization'));
        } catch (error) {
          return answer(receiver.note(refusalOf(error, log)));
        }
        return next();
      },
      bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => answer(receiver.note('too-large')) }),
      async (context) => {
        const body = await context.req.text();
        return answer(await receiver.receive(() => notificationInEnvelope(body)));
      },
    );
    app.all('/push', (context) => context.json({ error: 'POST only' }, 405, { allow: 'POST' }));
  }
  app.notFound((context) => context.json({ error: 'not found' }, 404));
  app.onError((error) => {
    log.error({ error }, 'a request failed');
    return answer(receiver.note('failed'));
  });
  return app;
}

function refusalOf(error: unknown, log: Log): NotificationOutcome {
  if (error instanceof InvalidTokenError) {
    log.debug({ reason: error.message }, 'a request without a good token');
    return 'unauthorized';
  }
  if (!(error instanceof KeysUnavailableError)) throw error;
  log.error({ error }, "Google's keys cannot be read: no token can be verified");
  return 'failed';
}
