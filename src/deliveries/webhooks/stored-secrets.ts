import type { EncryptedRecord } from '../../secrets/credential-store.ts';
import type { SecretOwner } from '../../secrets/secret-box.ts';
import type { SecretKeys } from '../../secrets/secret-keys.ts';
import { parseWebhookSecret, type WebhookSecret } from './webhook-secret.ts';

/** A subscription's secrets as the store keeps them, encrypted like credentials. */
export type SealedWebhookSecrets = Pick<EncryptedRecord, 'keyId' | 'ciphertext'>;

/**
 * Encrypts the secrets of a subscription with the current key. They open for this subscription only.
 *
 * @param secrets - the newest first
 * @throws {SecretKeyError} when the keys cannot be read
 */
export function sealWebhookSecrets(
  keys: SecretKeys,
  subscription: string,
  secrets: readonly WebhookSecret[],
): Promise<SealedWebhookSecrets> {
  return keys.sealFor(webhookSecretsOwner(subscription), textOfSecrets(secrets));
}

/**
 * @throws {SecretKeyError} when none of the keys decrypts them, or they were sealed for another subscription
 * @throws {InvalidWebhookSecretError} when they are not what {@link sealWebhookSecrets} was given
 */
export async function openWebhookSecrets(
  keys: SecretKeys,
  subscription: string,
  sealed: SealedWebhookSecrets,
): Promise<readonly WebhookSecret[]> {
  const text = await keys.openFor(webhookSecretsOwner(subscription), sealed);
  return text.split('\n').map(parseWebhookSecret);
}

/** For a rotation of the keys, which encrypts the same text again. */
export function webhookSecretsOwner(subscription: string): SecretOwner {
  return {
    // The space keeps it apart from every mailbox's address.
    context: `webhook secrets of ${subscription}`,
    what: `The webhook secrets of the subscription ${subscription}`,
    remedy: 'end the subscription, and make it again with secrets that its receiver knows',
  };
}

const textOfSecrets = (secrets: readonly WebhookSecret[]): string =>
  secrets.map(({ text }) => text.reveal()).join('\n');
