import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { makePrivateFolder } from '../host/private-files.ts';
import { HOW_TO_MAKE_A_KEY, KEY_BYTES, parseKeys, SecretKeyError, type SecretKey } from './secret-box.ts';

const VARIABLE = 'TIDEMARK_SECRET_KEY';

/**
 * The keys in the file beside the embedded database, the current one first. The file is made when it is not there.
 *
 * @param path - null when there is no place for one
 * @throws {SecretKeyError} when the file cannot be used, or there is no place for one
 */
export function readOwnKeyFile(path: string | null): readonly [SecretKey, ...SecretKey[]] {
  if (path === null) throw new SecretKeyError(`No secret key is configured. Set ${VARIABLE} (or ${VARIABLE}_FILE, ${VARIABLE}_COMMAND) to ${HOW_TO_MAKE_A_KEY}`);
  return parseKeys(readKeyFile(path) ?? createKeyFile(path), path);
}

/**
 * Puts a new key before those of the file, and leaves out keys that nothing needs any more.
 *
 * Why a crash does no harm: the new file is on disk before it takes the old one's name, and until then nothing was
 * encrypted with its key.
 *
 * @param options.keep - fingerprints of the keys that stay readable
 * @throws {SecretKeyError} when the file cannot be written
 */
export function addToOwnKeyFile(path: string, { keep }: { keep: ReadonlySet<string> }): readonly [SecretKey, ...SecretKey[]] {
  const kept = readOwnKeyFile(path).filter(({ id }) => keep.has(id));
  const lines = [randomBytes(KEY_BYTES), ...kept.map(({ bytes }) => Buffer.from(bytes))].map((bytes) => bytes.toString('base64'));
  try {
    const own = writeOwn(path, `${lines.join('\n')}\n`);
    renameSync(own, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw new SecretKeyError(`The key file ${path} cannot be replaced. Let this user write its folder.`, { cause: error });
  }
  return readOwnKeyFile(path);
}

function readKeyFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw new SecretKeyError(`The key file ${path} cannot be read. Let this user read it, or set ${VARIABLE} to the key in it: with another one the stored credentials cannot be decrypted.`, { cause: error });
  }
}

/**
 * Two processes that start together agree on one key: each writes a file of its own to the end, then links it to the
 * name, which succeeds for the first only and shows nobody half a file. Both then read what is there. The bytes are on
 * disk before the name is, so no credentials are ever encrypted with a key that a power loss takes away.
 */
function createKeyFile(path: string): string {
  try {
    makePrivateFolder(dirname(path));
    const own = writeOwn(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    try {
      linkSync(own, path);
      syncFolder(dirname(path));
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    } finally {
      unlinkSync(own);
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SecretKeyError(`The key file ${path} cannot be made. Let this user write its folder, or set ${VARIABLE}.`, { cause: error });
  }
}

/** Writes a file of this process, readable only by its owner, and flushes it to disk. */
function writeOwn(path: string, text: string): string {
  const own = `${path}.${randomBytes(8).toString('hex')}`;
  const file = openSync(own, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return own;
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
