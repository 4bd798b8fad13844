import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { codeOf, systemCodeOf } from '../model/error-code.ts';
import { makePrivateFolder } from '../host/private-files.ts';
import { HOW_TO_MAKE_A_KEY, KEY_BYTES, parseKeys, SecretKeyError, type SecretKey } from './secret-box.ts';

const VARIABLE = 'TIDEMARK_SECRET_KEY';

/**
 * The keys in the file beside the embedded database; the current key comes first. Creates the file when it does not
 * exist.
 *
 * @param path - null when there is no place for a file
 * @throws {SecretKeyError} when the file cannot be used, or there is no place for it
 */
export function readOwnKeyFile(path: string | null): readonly [SecretKey, ...SecretKey[]] {
  if (path === null)
    throw new SecretKeyError(
      `No secret key is configured. Set ${VARIABLE} (or ${VARIABLE}_FILE, ${VARIABLE}_COMMAND) to ${HOW_TO_MAKE_A_KEY}`,
    );
  return parseKeys(readKeyFile(path) ?? createKeyFile(path), path);
}

/**
 * Puts a new key in front of the keys in the file, and drops keys that are no longer needed.
 *
 * A crash does no harm: the new file is on disk before it takes the old file's name, and until then nothing has been
 * encrypted with the new key.
 *
 * @param options.keep - fingerprints of the keys that stay readable
 * @throws {SecretKeyError} when the file cannot be written
 */
export function addToOwnKeyFile(
  path: string,
  { keep }: { keep: ReadonlySet<string> },
): readonly [SecretKey, ...SecretKey[]] {
  const kept = readOwnKeyFile(path).filter(({ id }) => keep.has(id));
  const lines = [randomBytes(KEY_BYTES), ...kept.map(({ bytes }) => Buffer.from(bytes))].map((bytes) =>
    bytes.toString('base64'),
  );
  try {
    const own = writeOwn(path, `${lines.join('\n')}\n`);
    renameSync(own, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw new SecretKeyError(
      `The key file ${path} cannot be replaced (${systemCodeOf(error)}). Let this user write its folder.`,
      {
        cause: error,
      },
    );
  }
  return readOwnKeyFile(path);
}

function readKeyFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new SecretKeyError(
      `The key file ${path} cannot be read (${systemCodeOf(error)}). Let this user read it, ` +
        `or set ${VARIABLE} to the key in it: ` +
        'with another one the stored credentials cannot be decrypted.',
      { cause: error },
    );
  }
}

/**
 * Creates the key file. Two processes that start together agree on one key: each writes its own complete file, then
 * links it to the final name. Only the first link succeeds, and no process ever sees half a file. Both then read the
 * file under that name. The bytes are on disk before the name is, so no credentials are encrypted with a key that a
 * power loss could destroy.
 */
function createKeyFile(path: string): string {
  try {
    makePrivateFolder(dirname(path));
    const own = writeOwn(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    try {
      linkSync(own, path);
      syncFolder(dirname(path));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      unlinkSync(own);
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SecretKeyError(
      `The key file ${path} cannot be made (${systemCodeOf(error)}). ` +
        `Let this user write its folder, or set ${VARIABLE}.`,
      { cause: error },
    );
  }
}

/** Writes a file with a random name, readable only by its owner, and flushes it to disk. */
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
