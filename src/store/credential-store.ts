import type { MailboxId } from '../model/ids.ts';

/** Encrypted credentials, apart from the mail: the file of the mirror can be copied or handed on without them. */
export interface CredentialStore {
  put(mailbox: MailboxId, record: EncryptedRecord): Promise<void>;
  get(mailbox: MailboxId): Promise<EncryptedRecord | null>;
  delete(mailbox: MailboxId): Promise<void>;
  close(): Promise<void>;
}

export interface EncryptedRecord {
  /** Which key encrypted it (a fingerprint, not the key). */
  readonly keyId: string;
  readonly ciphertext: Uint8Array;
  /** Grows with each put: whoever caches credentials sees that they changed. */
  readonly version: number;
}
