import { sign as signWithKey } from 'node:crypto';

import { Webhook } from 'standardwebhooks';

import { privateKeyOf, type WebhookSecret } from './webhook-secret.ts';

export interface SignedHeaders {
  readonly 'webhook-id': string;
  /** Seconds since the epoch. */
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
}

/** An id with a full stop would move the border between the id and the time in what is signed. */
const ID = /^[\w-]{1,200}$/;

/**
 * The headers that let a receiver verify a webhook: `v1` signatures by the library of Standard Webhooks, `v1a`
 * (ed25519) by Node, since that library signs with symmetric keys only. Every secret signs, so a receiver that still
 * has the former one, or already the new one, finds a signature that it accepts.
 *
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * @param webhook.timestamp - time of this attempt, in epoch ms; receivers refuse one that is minutes away from their
 * own clock
 * @param webhook.body - JSON in UTF-8, exactly the bytes that are sent
 * @throws {RangeError} when the id could be confused with what follows it, or there is no secret
 */
export function signedHeaders(
  { id, timestamp, body }: { readonly id: string; readonly timestamp: number; readonly body: Uint8Array },
  secrets: readonly WebhookSecret[],
): SignedHeaders {
  if (!ID.test(id)) throw new RangeError("a webhook's id has 1 to 200 letters, digits, _ and -");
  if (secrets.length === 0) throw new RangeError('a webhook is signed by at least one secret');
  const seconds = Math.floor(timestamp / 1_000);
  const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const signatures = secrets.map((secret) => {
    if (secret.kind === 'symmetric')
      return new Webhook(secret.text.reveal()).sign(id, new Date(seconds * 1_000), content);
    const signed = Buffer.concat([Buffer.from(`${id}.${seconds}.`), content]);
    return `v1a,${signWithKey(null, signed, privateKeyOf(secret)).toString('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') };
}
