import { describe, expect, it } from 'vitest';

import { openWebhookSecrets, sealWebhookSecrets } from '../../../src/deliveries/webhooks/stored-secrets.ts';
import { generateWebhookSecret, type WebhookSecret } from '../../../src/deliveries/webhooks/webhook-secret.ts';
import { mailboxId } from '../../../src/model/ids.ts';
import { secretKey, SecretKeyError, type SecretKey } from '../../../src/secrets/secret-box.ts';
import { SecretKeys } from '../../../src/secrets/secret-keys.ts';
import { createVirtualClock } from '../../fixtures/host/virtual-clock.ts';

const former = secretKey(new Uint8Array(32).fill(1), 'the test');
const current = secretKey(new Uint8Array(32).fill(2), 'the test');
const keysOf = (...keys: [SecretKey, ...SecretKey[]]): Promise<SecretKeys> =>
  SecretKeys.load({ read: async () => keys, clock: createVirtualClock() });
const texts = (secrets: readonly WebhookSecret[]): string[] => secrets.map(({ text }) => text.reveal());

describe("a subscription's secrets in the store", () => {
  const secrets = [generateWebhookSecret(), generateWebhookSecret('ed25519')];

  it('are encrypted, and open as they were, in their order', async () => {
    const keys = await keysOf(current);
    const sealed = await sealWebhookSecrets(keys, 'crm', secrets);
    expect(Buffer.from(sealed.ciphertext).includes('whs')).toBe(false);
    expect(texts(await openWebhookSecrets(keys, 'crm', sealed))).toEqual(texts(secrets));
  });

  it('open with a former key that is still configured', async () => {
    const sealed = await sealWebhookSecrets(await keysOf(former), 'crm', secrets);
    expect(texts(await openWebhookSecrets(await keysOf(current, former), 'crm', sealed))).toEqual(texts(secrets));
  });

  it('do not open for another subscription, nor as the credentials of a mailbox', async () => {
    const keys = await keysOf(current);
    const sealed = await sealWebhookSecrets(keys, 'crm', secrets);
    await expect(openWebhookSecrets(keys, 'billing', sealed)).rejects.toThrow(SecretKeyError);
    await expect(keys.open(mailboxId('ada@example.com'), sealed)).rejects.toThrow(SecretKeyError);
  });

  it('say which subscription cannot be read when their key is missing, and what to do', async () => {
    const sealed = await sealWebhookSecrets(await keysOf(former), 'crm', secrets);
    const refused = openWebhookSecrets(await keysOf(current), 'crm', sealed);
    await expect(refused).rejects.toThrow('The webhook secrets of the subscription crm were encrypted with the key');
    await expect(refused).rejects.toThrow('TIDEMARK_OLD_SECRET_KEYS');
  });
});
