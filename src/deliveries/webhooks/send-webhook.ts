import { lookup } from 'node:dns/promises';

import { Agent, type Dispatcher } from 'undici';

import { networks } from '../../host/networks.ts';
import { boundedText } from '../../model/bounded-text.ts';
import type { Clock } from '../../model/clock.ts';
import { withDeadline } from '../../model/deadline.ts';
import { visibleLine } from '../../model/visible-text.ts';
import type { AddressPolicy } from './address-guard.ts';
import { guardedConnect, type Resolve } from './guarded-connect.ts';
import { retryAfter } from './retry-after.ts';
import { signedHeaders } from './sign-webhook.ts';
import { outcomeOfError } from './unreachable.ts';
import type { WebhookOutcome, WebhookRequest, WebhookAddress } from './webhook-attempt.ts';
import { checkWebhookUrl } from './webhook-url.ts';

export interface WebhookSender {
  /**
   * Sends one webhook, once. Redirects are not followed.
   *
   * @throws the signal's reason when it aborts; the receiver may have got the webhook then
   */
  send(target: WebhookAddress, request: WebhookRequest): Promise<WebhookOutcome>;
  /** Waits for requests under way, then closes all connections. */
  close(): Promise<void>;
}

export interface WebhookSenderOptions {
  readonly clock: Clock;
  /**
   * Networks in CIDR notation that every webhook may be sent to, also over http, such as that of one's own receivers.
   */
  readonly allowedNetworks?: readonly string[];
  /** The machine's resolver when absent. */
  readonly resolve?: Resolve;
}

/** ms to resolve the name, to connect and for TLS. */
const CONNECT_TIMEOUT = 10_000;
/** ms for the whole attempt, up to the answer's headers. Standard Webhooks recommends 15 to 30 s. */
const ANSWER_TIMEOUT = 25_000;
/** ms to read what follows the answer's headers. */
const BODY_TIMEOUT = 1_000;
/** One receiver's requests beyond this number wait for a free connection. */
const CONNECTIONS_PER_ORIGIN = 8;
/** Bytes of an answer that are read. A longer answer costs its connection. */
const READ = 16_384;
/** Characters of an answer that are kept to show why a delivery failed. */
const SHOWN = 500;

/**
 * Sends webhooks over kept connections, with the timeouts and the guard of addresses that strangers' URLs need.
 *
 * @throws {InvalidNetworkError} when an allowed network is not one
 */
export function createWebhookSender({
  clock,
  allowedNetworks = [],
  resolve = (hostname) => lookup(hostname, { all: true }),
}: WebhookSenderOptions): WebhookSender {
  const allowed = networks(allowedNetworks);
  const route = (allowPrivate: boolean): { readonly policy: AddressPolicy; readonly agent: Agent } => {
    const policy = { allowPrivate, allowedNetworks: allowed };
    return { policy, agent: newAgent(guardedConnect({ policy, resolve, timeout: CONNECT_TIMEOUT })) };
  };
  // Each has its own connections, so that a strict target cannot use one that was opened for a target that may do more.
  const routes = { strict: route(false), lenient: route(true) };

  return {
    async send(target, request) {
      request.signal.throwIfAborted();
      const { policy, agent } = target.allowPrivate ? routes.lenient : routes.strict;
      const checked = checkWebhookUrl(target.url, policy);
      if (checked.kind === 'refused') return checked;
      const { url } = checked;
      const headers = signedHeaders(request, target.secrets);
      try {
        const answer = await withDeadline({ clock, milliseconds: ANSWER_TIMEOUT, signal: request.signal }, (signal) =>
          post(agent, url, { headers: { ...headers }, body: request.body, signal }),
        );
        const text = await beginningOf(answer.body, clock);
        return outcomeOf(url.host, answer, { text, now: clock.now() });
      } catch (error) {
        request.signal.throwIfAborted();
        return outcomeOfError(error, url.host);
      }
    },
    close: async () => {
      await Promise.all([routes.strict.agent.close(), routes.lenient.agent.close()]);
    },
  };
}

function newAgent(connect: ReturnType<typeof guardedConnect>): Agent {
  return new Agent({
    connect,
    connections: CONNECTIONS_PER_ORIGIN,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    // The injected clock counts the deadlines instead.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function post(
  agent: Agent,
  url: URL,
  { headers, body, signal }: { headers: Record<string, string>; body: Uint8Array; signal: AbortSignal },
): Promise<Dispatcher.ResponseData> {
  return agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      'user-agent': 'Tidemark',
      'accept-encoding': 'identity',
    },
    body,
    signal,
  });
}

/**
 * Reads some of an answer, so that its connection can be used again. The status has decided already, so the rest of an
 * answer that is long, slow or broken off is not read.
 */
async function beginningOf(body: Dispatcher.ResponseData['body'], clock: Clock): Promise<string> {
  const pieces: Buffer[] = [];
  const read = async (): Promise<void> => {
    let size = 0;
    for await (const piece of body) {
      const bytes = Buffer.from(piece);
      pieces.push(bytes.subarray(0, READ - size));
      size += bytes.length;
      if (size >= READ) break;
    }
  };
  // Destroying a body that is being read makes the reading fail, and its 'error' event must have a listener.
  body.on('error', () => undefined);
  await withDeadline({ clock, milliseconds: BODY_TIMEOUT, signal: undefined }, read).catch(() => undefined);
  body.destroy();
  return Buffer.concat(pieces).toString('utf8');
}

function outcomeOf(
  host: string,
  { statusCode, headers }: Dispatcher.ResponseData,
  { text, now }: { readonly text: string; readonly now: number },
): WebhookOutcome {
  if (statusCode >= 200 && statusCode < 300) return { kind: 'accepted' };
  const shown = visibleLine(boundedText(text.trim(), SHOWN));
  const answer = shown === '' ? null : shown;
  if (statusCode === 410) return { kind: 'ended', reason: `${host} answered 410: it wants no more deliveries`, answer };
  const { 'retry-after': asked } = headers;
  const notBefore = retryAfter(Array.isArray(asked) ? asked[0] : asked, now);
  const hint = statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : '';
  return { kind: 'retry', reason: `${host} answered ${statusCode}${hint}`, notBefore, answer };
}
