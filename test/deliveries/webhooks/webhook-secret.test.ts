import { createPublicKey, randomBytes, verify } from 'node:crypto';

import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';

import { signedHeaders } from '../../../src/deliveries/webhooks/sign-webhook.ts';
import {
  generateWebhookSecret,
  InvalidWebhookSecretError,
  parseWebhookSecret,
  receiverKeyOf,
} from '../../../src/deliveries/webhooks/webhook-secret.ts';

/** The published example of the reference libraries (libraries/javascript and libraries/go of standard-webhooks). */
const EXAMPLE = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1_614_265_330_000,
  body: Buffer.from('{"test": 2432232314}'),
};
const SYMMETRIC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ED25519 = 'whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=';
const SIGNED = {
  [SYMMETRIC]: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  [ED25519]: 'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==',
};

/** What a receiver does with a public key, by Node's own functions. */
function verifiesWith(publicKey: string, signature: string, signed: string): boolean {
  const x = Buffer.from(publicKey.replace('whpk_', ''), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, Buffer.from(signed), key, Buffer.from(signature.replace('v1a,', ''), 'base64'));
}

describe('the signature of a webhook', () => {
  it.each(Object.entries(SIGNED))('by %s is the one that the reference libraries publish', (secret, signature) => {
    expect(signedHeaders(EXAMPLE, [parseWebhookSecret(secret)])).toEqual({
      'webhook-id': EXAMPLE.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': signature,
    });
  });

  it('is made with every secret, newest first, so that both sides need not rotate at the same moment', () => {
    const headers = signedHeaders(EXAMPLE, [ED25519, SYMMETRIC].map(parseWebhookSecret));
    expect(headers['webhook-signature']).toBe(`${SIGNED[ED25519]} ${SIGNED[SYMMETRIC]}`);
  });

  it.each(['former', 'new'] as const)('is accepted by the library of Standard Webhooks with the %s secret', (which) => {
    const secrets = { former: generateWebhookSecret(), new: generateWebhookSecret() };
    const body = Buffer.from(JSON.stringify({ subject: 'Grüße 🐟' }));
    const headers = signedHeaders({ id: 'a_b-1', timestamp: Date.now(), body }, [secrets.new, secrets.former]);
    const receiver = new Webhook(receiverKeyOf(secrets[which]).reveal());
    expect(receiver.verify(body, { ...headers })).toEqual({ subject: 'Grüße 🐟' });
    expect(() => receiver.verify(body, { ...headers, 'webhook-id': 'another' })).toThrow('No matching signature');
  });

  it('by an ed25519 key is verified with the public key, and covers id, time and body', () => {
    const secret = generateWebhookSecret('ed25519');
    const { 'webhook-signature': signature } = signedHeaders(EXAMPLE, [secret]);
    const publicKey = receiverKeyOf(secret).reveal();
    expect(publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    const text = EXAMPLE.body.toString();
    expect(verifiesWith(publicKey, signature, `${EXAMPLE.id}.1614265330.${text}`)).toBe(true);
    expect(verifiesWith(publicKey, signature, `${EXAMPLE.id}.1614265331.${text}`)).toBe(false);
    expect(verifiesWith(publicKey, signature, `x${EXAMPLE.id}.1614265330.${text}`)).toBe(false);
  });

  it.each(['', 'a.b', 'a b', 'a\n', 'x'.repeat(201)])('is refused for the id %j', (id) => {
    expect(() => signedHeaders({ ...EXAMPLE, id }, [parseWebhookSecret(SYMMETRIC)])).toThrow(RangeError);
  });
});

describe("a webhook's secret", () => {
  it.each(['symmetric', 'ed25519'] as const)('is read back as it was generated, and differs each time (%s)', (kind) => {
    const secret = generateWebhookSecret(kind);
    expect(parseWebhookSecret(` ${secret.text.reveal()}\n`)).toEqual(secret);
    expect(parseWebhookSecret(secret.text.reveal()).text.reveal()).toBe(secret.text.reveal());
    expect(generateWebhookSecret(kind).text.reveal()).not.toBe(secret.text.reveal());
    expect(JSON.stringify(secret)).not.toContain(secret.text.reveal().slice(6));
  });

  it('may hold the public key behind the seed, as other tools write it', () => {
    const seed = Buffer.from(ED25519.slice(5), 'base64');
    const publicKey = Buffer.from(receiverKeyOf(parseWebhookSecret(ED25519)).reveal().slice(5), 'base64');
    const long = parseWebhookSecret(`whsk_${Buffer.concat([seed, publicKey]).toString('base64')}`);
    expect(signedHeaders(EXAMPLE, [long])['webhook-signature']).toBe(SIGNED[ED25519]);
  });

  it('has one written form, whatever alphabet and padding it was given in', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    const secret = parseWebhookSecret(`whsec_${bytes.toString('base64url')}`);
    expect(secret.text.reveal()).toBe(`whsec_${bytes.toString('base64')}`);
  });

  it.each([
    ['no prefix', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'begins with whsec_'],
    ['too few bytes', `whsec_${randomBytes(23).toString('base64')}`, '24 to 64 bytes'],
    ['too many bytes', `whsec_${randomBytes(65).toString('base64')}`, '24 to 64 bytes'],
    ['text that is not base64', 'whsec_not base64 at all!', 'is not base64'],
    ['a public key', `whpk_${randomBytes(32).toString('base64')}`, 'needs the private key'],
    ['a seed of another length', `whsk_${randomBytes(31).toString('base64')}`, '32 bytes (its seed)'],
    ['halves that do not fit', `whsk_${randomBytes(64).toString('base64')}`, 'do not belong together'],
  ])('is refused for %s, and the message does not show it', (_, text, why) => {
    const refused = (): unknown => parseWebhookSecret(text);
    expect(refused).toThrow(InvalidWebhookSecretError);
    expect(refused).toThrow(why);
    expect(refused).not.toThrow(text.slice(6));
  });
});
