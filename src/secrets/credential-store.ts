import type { MailboxId } from '../model/ids.ts';
import type { SecretOwner, WebhookSecretsId } from './secret-owner.ts';

/**
 * Stores encrypted credentials, and the secrets that sign webhooks, apart from the mail. So the mirror's file can be
 * copied or passed on without them.
 *
 * @throws {StoreError} from every method, when the database cannot be used
 */
export interface CredentialStore {
  /**
   * Stores the record in place of an earlier one. The store assigns the version; `record.version` does not matter.
   */
  put(owner: SecretOwner, record: EncryptedRecord): Promise<void>;
  /**
   * Stores the same secret encrypted with another key, if the record is still `from`. The version stays the same,
   * because caches of the secret remain valid.
   *
   * @returns false when the record has changed meanwhile
   */
  reseal(
    owner: SecretOwner,
    from: EncryptedRecord,
    sealed: Pick<EncryptedRecord, 'keyId' | 'ciphertext'>,
  ): Promise<boolean>;
  /** The owners whose records were encrypted with any other key, in their order. */
  listSealedByOthers(keyId: string): Promise<readonly SecretOwner[]>;
  /** null when the owner has no record. */
  get(owner: SecretOwner): Promise<EncryptedRecord | null>;
  /** Deletes everything about the owner, including its name. */
  delete(owner: SecretOwner): Promise<void>;
  /** The mailboxes that have credentials, in the order of e-mail addresses. */
  list(): Promise<readonly MailboxId[]>;
  /** The owners that are subscriptions with webhook secrets. */
  listWebhookSecrets(): Promise<readonly WebhookSecretsId[]>;
  close(): Promise<void>;
}

export interface EncryptedRecord {
  /** Fingerprint of the key that encrypted the record. */
  readonly keyId: string;
  readonly ciphertext: Uint8Array;
  /** Grows with each put, even after a deletion, so that caches of credentials notice a change. */
  readonly version: number;
}
