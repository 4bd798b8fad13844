import type { CredentialStore, EncryptedRecord } from '../../secrets/credential-store.ts';
import type { Remedy } from '../../model/remedy.ts';
import { SecretKeyError } from '../../secrets/secret-box.ts';
import { webhookSecretsOf } from '../../secrets/secret-owner.ts';
import type { SecretKeys } from '../../secrets/secret-keys.ts';
import { InvalidWebhookSecretError, parseWebhookSecret, type WebhookSecret } from './webhook-secret.ts';

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
  return keys.seal(webhookSecretsOf(subscription), textOfSecrets(secrets));
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
  const text = await keys.open(webhookSecretsOf(subscription), sealed);
  return text.split('\n').map(parseWebhookSecret);
}

/** The secrets of a subscription, or why none can be used. */
export type OpenedSecrets =
  | { readonly kind: 'usable'; readonly secrets: readonly WebhookSecret[] }
  | { readonly kind: 'unusable'; readonly reason: string; readonly remedy: Remedy | null };

/**
 * Reads the secrets that sign the webhooks of a subscription.
 *
 * @throws {StoreError} when the database of the credentials cannot be used
 */
export async function readWebhookSecrets(
  { credentials, keys }: { readonly credentials: Pick<CredentialStore, 'get'>; readonly keys: SecretKeys },
  subscription: string,
): Promise<OpenedSecrets> {
  const remedy = { kind: 'new-webhook-secret', subscription } as const;
  const record = await credentials.get(webhookSecretsOf(subscription));
  if (record === null)
    return {
      kind: 'unusable',
      reason: `No secret is stored to sign the webhooks of ${subscription}.`,
      remedy,
    };
  try {
    return { kind: 'usable', secrets: await openWebhookSecrets(keys, subscription, record) };
  } catch (error) {
    if (error instanceof SecretKeyError) return { kind: 'unusable', reason: error.message, remedy: error.remedy };
    if (error instanceof InvalidWebhookSecretError) return { kind: 'unusable', reason: error.message, remedy };
    throw error;
  }
}

const textOfSecrets = (secrets: readonly WebhookSecret[]): string =>
  secrets.map(({ text }) => text.reveal()).join('\n');
