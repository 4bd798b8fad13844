import type { MailboxId } from '../model/ids.ts';

/**
 * Stores encrypted credentials apart from the mail, so that the mirror's file can be copied or passed on without them.
 *
 * @throws {StoreError} from every method, when the database cannot be used
 */
export interface CredentialStore {
  /**
   * Stores the record in place of an earlier one. The store assigns the version; `record.version` does not matter.
   */
  put(mailbox: MailboxId, record: EncryptedRecord): Promise<void>;
  /**
   * Stores the same secret encrypted with another key, if the record is still `from`. The version stays the same,
   * because caches of the secret remain valid.
   *
   * @returns false when the record has changed meanwhile
   */
  reseal(
    mailbox: MailboxId,
    from: EncryptedRecord,
    sealed: Pick<EncryptedRecord, 'keyId' | 'ciphertext'>,
  ): Promise<boolean>;
  /** The mailboxes whose records were encrypted with any other key, in the order of e-mail addresses. */
  listSealedByOthers(keyId: string): Promise<readonly MailboxId[]>;
  /** null when the mailbox has no credentials. */
  get(mailbox: MailboxId): Promise<EncryptedRecord | null>;
  /** Deletes everything about the mailbox, including its address. */
  delete(mailbox: MailboxId): Promise<void>;
  /** The mailboxes that have credentials, in the order of e-mail addresses. */
  list(): Promise<readonly MailboxId[]>;
  close(): Promise<void>;
}

export interface EncryptedRecord {
  /** Fingerprint of the key that encrypted the record. */
  readonly keyId: string;
  readonly ciphertext: Uint8Array;
  /** Grows with each put, even after a deletion, so that caches of credentials notice a change. */
  readonly version: number;
}
