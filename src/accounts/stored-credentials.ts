import type { Config } from '../config/config.ts';
import { parseCredentials, type GoogleCredentials } from '../gmail/access/credentials.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { MailboxAccounts } from '../store/mailboxes/mailbox-accounts.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';

/** What connecting and checking a mailbox uses of the stores. */
export interface AccountStores {
  readonly store: MailboxRegistry & MailboxAccounts;
  readonly credentials: CredentialStore;
}

export interface LoginRequest {
  readonly config: Config;
  readonly stores: AccountStores;
  readonly mailbox: MailboxId;
  readonly clock: Clock;
}

/**
 * The credentials of a mailbox, decrypted; null when it is not connected.
 *
 * @throws {SecretKeyError} when no key decrypts them
 */
export async function storedCredentials({
  config,
  stores,
  mailbox,
  clock,
}: LoginRequest): Promise<GoogleCredentials | null> {
  const record = await stores.credentials.get(mailbox);
  return record === null ? null : parseCredentials(await (await secretKeysOf(config, clock)).open(mailbox, record));
}
