import type { Config } from '../config/config.ts';
import { parseCredentials, type GoogleCredentials } from '../gmail/access/credentials.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { Stores } from '../store/open-store.ts';

export interface LoginRequest {
  readonly config: Config;
  readonly stores: Stores;
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
