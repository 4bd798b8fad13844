import type { Config } from '../config/config.ts';
import { systemClock } from '../host/system-clock.ts';
import type { Clock } from '../model/clock.ts';
import { readKeys } from '../secrets/read-keys.ts';
import { SecretKeys } from '../secrets/secret-keys.ts';
import { storeFiles } from '../store/store-files.ts';

/**
 * The keys that encrypt credentials.
 *
 * @throws {SecretKeyError} when there is no usable key
 */
export function secretKeysOf(config: Config, clock: Clock = systemClock): Promise<SecretKeys> {
  return SecretKeys.load({ read: () => readKeys(config.secrets.credentialKeys, ownKeyFileOf(config)), clock });
}

/** The key file beside the embedded database; null with PostgreSQL, where several machines must have the same key. */
export function ownKeyFileOf({ database: { location } }: Config): string | null {
  return location.kind === 'sqlite' ? storeFiles(location.path).keyFile : null;
}
