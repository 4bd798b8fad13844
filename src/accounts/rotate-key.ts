import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import { ownKeyFileOf } from '../storage/open-secret-keys.ts';
import { readKeys } from '../secrets/read-keys.ts';
import { addToOwnKeyFile } from '../secrets/own-key-file.ts';
import type { SecretOwner } from '../secrets/secret-owner.ts';
import { open, seal, SecretKeyError, type SecretKey } from '../secrets/secret-box.ts';
import { withFileLock } from '../host/file-lock.ts';
import type { AccountStores } from './mailbox-credentials.ts';

export interface RotationRequest {
  readonly config: Config;
  readonly stores: Pick<AccountStores, 'credentials'>;
  readonly clock: Clock;
  /** Stops between two records; the next call does the rest. */
  readonly signal?: AbortSignal;
}

export interface RotationResult {
  /** Fingerprint of the current key. */
  readonly keyId: string;
  /** Whether this call made the key, in Tidemark's own key file. */
  readonly madeKey: boolean;
  readonly reencrypted: number;
  /** Owners whose records no key decrypts: they stay as they are. */
  readonly unreadable: readonly SecretOwner[];
  /** Fingerprints of former keys that no record needs any more. */
  readonly unneeded: readonly string[];
}

/**
 * Encrypts every mailbox's credentials, and the secrets of webhooks, with the current key.
 *
 * Workers and `connect` may run meanwhile: one statement replaces a record only if it is still the record that was
 * decrypted, and readers hold the keys of both versions. The rotation may be interrupted anywhere: each record is whole
 * under one key or the other, and the next call finds the remaining records by their key's fingerprint.
 *
 * With Tidemark's own key file a new key is made first, unless an earlier rotation is unfinished. A lock makes such
 * rotations take turns, since each would drop the other's new key.
 *
 * @throws {SecretKeyError} when there is no usable key
 * @throws {StoreError} when the database cannot be used
 * @throws the signal's reason when it aborts
 */
export async function rotateKey(request: RotationRequest): Promise<RotationResult> {
  const { config, clock, signal } = request;
  const ownFile = ownKeyFileOf(config);
  if (config.secrets.credentialKeys.kind !== 'own-file' || ownFile === null) return rotate(request, null);
  return withFileLock(`${ownFile}.lock`, { clock, signal, onWait: () => undefined }, () => rotate(request, ownFile));
}

/** @param ownFile - Tidemark's own key file, where it is the source of the keys */
async function rotate(
  { config, stores: { credentials }, signal }: RotationRequest,
  ownFile: string | null,
): Promise<RotationResult> {
  const source = config.secrets.credentialKeys;
  let keys = await readKeys(source, ownFile);
  const madeKey = ownFile !== null && (await credentials.listSealedByOthers(keys[0].id)).length === 0;
  // The previous key stays in the file until the next rotation: a process may have read it and not yet written with it.
  if (madeKey) keys = addToOwnKeyFile(ownFile, { keep: new Set([keys[0].id]) });

  const [current] = keys;
  const unreadable = new Set<SecretOwner>();
  let reencrypted = 0;
  for (;;) {
    const left = (await credentials.listSealedByOthers(current.id)).filter((owner) => !unreadable.has(owner));
    if (left.length === 0) break;
    for (const owner of left) {
      signal?.throwIfAborted();
      const record = await credentials.get(owner);
      if (record === null || record.keyId === current.id) continue;
      const text = opened(keys, owner, record);
      if (text === null) unreadable.add(owner);
      else if (await credentials.reseal(owner, record, seal(current, owner, text))) reencrypted++;
    }
  }
  const needed = new Set<string>();
  for (const owner of unreadable) {
    const record = await credentials.get(owner);
    if (record !== null) needed.add(record.keyId);
  }
  return {
    keyId: current.id,
    madeKey,
    reencrypted,
    unreadable: [...unreadable],
    unneeded: keys
      .slice(1)
      .map(({ id }) => id)
      .filter((id) => !needed.has(id)),
  };
}

function opened(keys: readonly SecretKey[], owner: SecretOwner, record: Parameters<typeof open>[2]): string | null {
  const key = keys.find(({ id }) => id === record.keyId);
  if (key === undefined) return null;
  try {
    return open(key, owner, record);
  } catch (error) {
    if (error instanceof SecretKeyError) return null;
    throw error;
  }
}
