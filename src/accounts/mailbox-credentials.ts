import type { Config } from '../config/config.ts';
import { parseCredentials } from '../gmail/access/credentials.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import type { MailboxCredentials } from '../gmail/access/way-to-tokens.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { MailboxAccounts } from '../store/mailboxes/mailbox-accounts.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';

/** The stores that are used to connect or check a mailbox. */
export interface AccountStores {
  readonly store: MailboxRegistry & MailboxAccounts;
  readonly credentials: CredentialStore;
}

/** The mailbox whose credentials are stored, and where. */
export interface LoginRequest {
  readonly config: Config;
  readonly stores: AccountStores;
  readonly mailbox: MailboxId;
  readonly clock: Clock;
  /** Gives tokens in place of stored credentials. */
  readonly tokenProvider?: TokenProvider | undefined;
}

/**
 * What gives access to a mailbox: the token provider, or its stored credentials, decrypted. null when the mailbox is
 * not connected.
 *
 * @throws {SecretKeyError} when no key decrypts them
 */
export async function mailboxCredentials({
  config,
  stores,
  mailbox,
  clock,
  tokenProvider,
}: LoginRequest): Promise<MailboxCredentials | null> {
  if (tokenProvider !== undefined) return { type: 'token_provider', provider: tokenProvider };
  const record = await stores.credentials.get(mailbox);
  return record === null ? null : parseCredentials(await (await secretKeysOf(config, clock)).open(mailbox, record));
}
