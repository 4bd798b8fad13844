import { createPrivateKey, createPublicKey, randomBytes, type KeyObject } from 'node:crypto';

import { bytesOfBase64 } from '../../model/base64url.ts';
import { Secret } from '../../model/secret.ts';
import { TidemarkError } from '../../model/tidemark-error.ts';

/**
 * A secret that signs webhooks, in the notation of Standard Webhooks. `whsec_…` is symmetric: the receiver has it too.
 * `whsk_…` is the private key of an ed25519 pair: the receiver has the public key, `whpk_…`.
 *
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export interface WebhookSecret {
  readonly kind: WebhookSecretKind;
  readonly text: Secret<string>;
}

export type WebhookSecretKind = 'symmetric' | 'ed25519';

/** Thrown when a text is not a secret that can sign webhooks. The message does not show the text. */
export class InvalidWebhookSecretError extends TidemarkError {
  override readonly name = 'InvalidWebhookSecretError';
  readonly code = 'invalid-webhook-secret';
}

const SYMMETRIC = 'whsec_';
const PRIVATE = 'whsk_';
const PUBLIC = 'whpk_';
/** The specification allows 24 to 64 bytes. */
const SYMMETRIC_BYTES = { fewest: 24, most: 64, made: 32 };
const SEED_BYTES = 32;
/**
 * What stands before the seed in the PKCS #8 form of a private key: https://www.rfc-editor.org/rfc/rfc8410#section-7
 */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Makes a secret from the machine's cryptographic random numbers. */
export function generateWebhookSecret(kind: WebhookSecretKind = 'symmetric'): WebhookSecret {
  const text =
    kind === 'symmetric'
      ? SYMMETRIC + randomBytes(SYMMETRIC_BYTES.made).toString('base64')
      : PRIVATE + randomBytes(SEED_BYTES).toString('base64');
  return { kind, text: new Secret(text) };
}

/**
 * Reads `whsec_…`, or `whsk_…` with a seed of 32 bytes or with seed and public key together (64 bytes).
 *
 * @throws {InvalidWebhookSecretError} when the text is something else
 */
export function parseWebhookSecret(text: string): WebhookSecret {
  const trimmed = text.trim();
  if (trimmed.startsWith(SYMMETRIC)) {
    const { fewest, most } = SYMMETRIC_BYTES;
    const bytes = bytesAfter(SYMMETRIC, trimmed);
    if (bytes.length < fewest || bytes.length > most)
      throw new InvalidWebhookSecretError(
        `A webhook's secret has ${fewest} to ${most} bytes after whsec_, and this one has ${bytes.length}.`,
      );
    return { kind: 'symmetric', text: new Secret(SYMMETRIC + bytes.toString('base64')) };
  }
  if (trimmed.startsWith(PRIVATE)) {
    const bytes = bytesAfter(PRIVATE, trimmed);
    privateKeyFrom(bytes);
    return { kind: 'ed25519', text: new Secret(PRIVATE + bytes.toString('base64')) };
  }
  throw new InvalidWebhookSecretError(
    trimmed.startsWith(PUBLIC)
      ? 'whpk_… is the public key that receivers verify with. Signing needs the private key, whsk_….'
      : "A webhook's secret begins with whsec_ (symmetric) or whsk_ (ed25519). Give one, or let Tidemark make it.",
  );
}

/** What a receiver needs to verify: the secret itself when it is symmetric, otherwise the public key, `whpk_…`. */
export function receiverKeyOf(secret: WebhookSecret): Secret<string> {
  if (secret.kind === 'symmetric') return secret.text;
  const { x } = createPublicKey(privateKeyOf(secret)).export({ format: 'jwk' });
  return new Secret(PUBLIC + Buffer.from(x ?? '', 'base64url').toString('base64'));
}

/** The key of an ed25519 secret as Node's signing takes it. */
export function privateKeyOf({ text }: WebhookSecret): KeyObject {
  return privateKeyFrom(bytesAfter(PRIVATE, text.reveal()));
}

function privateKeyFrom(bytes: Buffer): KeyObject {
  if (bytes.length !== SEED_BYTES && bytes.length !== 2 * SEED_BYTES)
    throw new InvalidWebhookSecretError(
      `A private key has ${SEED_BYTES} bytes (its seed) or ${2 * SEED_BYTES} bytes (seed and public key) after ` +
        `whsk_, and this one has ${bytes.length}.`,
    );
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, bytes.subarray(0, SEED_BYTES)]),
    format: 'der',
    type: 'pkcs8',
  });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  if (bytes.length > SEED_BYTES && bytes.subarray(SEED_BYTES).toString('base64url') !== x)
    throw new InvalidWebhookSecretError('The two halves of the private key after whsk_ do not belong together.');
  return key;
}

function bytesAfter(prefix: string, text: string): Buffer {
  const bytes = bytesOfBase64(text.slice(prefix.length));
  if (bytes === null) throw new InvalidWebhookSecretError(`What follows ${prefix} is not base64.`);
  return bytes;
}
