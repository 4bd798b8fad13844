import type { MailboxId } from '../model/ids.ts';

/**
 * Encrypted credentials, apart from the mail: the file of the mirror can be copied or handed on without them.
 *
 * @throws {StoreError} from every method, when the database cannot be used
 */
export interface CredentialStore {
  /**
   * Keeps the record in the place of an earlier one. The store counts the version; that of `record` does not matter.
   */
  put(mailbox: MailboxId, record: EncryptedRecord): Promise<void>;
  /**
   * Stores an unchanged secret under another key, if the record is still `from`. The version stays, since caches of the
   * secret remain right.
   *
   * @returns false when the record has changed meanwhile
   */
  reseal(mailbox: MailboxId, from: EncryptedRecord, sealed: Pick<EncryptedRecord, 'keyId' | 'ciphertext'>): Promise<boolean>;
  /** The mailboxes whose records another key than this one encrypted, in the order of e-mail addresses. */
  listSealedByOthers(keyId: string): Promise<readonly MailboxId[]>;
  /** null when the mailbox has no credentials. */
  get(mailbox: MailboxId): Promise<EncryptedRecord | null>;
  /** Leaves nothing of the mailbox, its address included. */
  delete(mailbox: MailboxId): Promise<void>;
  /** The mailboxes that have credentials, in the order of e-mail addresses. */
  list(): Promise<readonly MailboxId[]>;
  close(): Promise<void>;
}

export interface EncryptedRecord {
  /** Which key encrypted it (a fingerprint, not the key). */
  readonly keyId: string;
  readonly ciphertext: Uint8Array;
  /** Grows with each put, also across a deletion, so that caches of credentials notice a change. */
  readonly version: number;
}
