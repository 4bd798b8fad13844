import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { KEY_BYTES, secretKey, SecretKeyError, type SecretKey } from './secret-box.ts';

const VARIABLE = 'TIDEMARK_SECRET_KEY';
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * The key that encrypts credentials: 32 bytes in base64 from the environment, else from a key file, which is made when it is not there.
 *
 * @param options.env the value of TIDEMARK_SECRET_KEY; empty counts as not set
 * @param options.keyFile beside the embedded database; null when there is no place for one
 * @throws {SecretKeyError} when the key is not 32 bytes in base64, or there is none and no file to keep it in
 */
export function loadSecretKey({ env, keyFile }: { env: string | undefined; keyFile: string | null }): SecretKey {
  if (env !== undefined && env.trim() !== '') return parseKey(env, VARIABLE);
  if (keyFile === null) throw new SecretKeyError(`No secret key is configured. Set ${VARIABLE} to ${KEY_BYTES} random bytes in base64, for example from: openssl rand -base64 ${KEY_BYTES}`);
  const text = readKeyFile(keyFile) ?? createKeyFile(keyFile);
  return parseKey(text, keyFile);
}

function parseKey(text: string, source: string): SecretKey {
  const trimmed = text.trim();
  if (!BASE64.test(trimmed)) throw new SecretKeyError(`The secret key in ${source} is not base64. Write ${KEY_BYTES} random bytes in base64, for example from: openssl rand -base64 ${KEY_BYTES}`);
  return secretKey(Buffer.from(trimmed, 'base64'), source);
}

function readKeyFile(keyFile: string): string | null {
  try {
    return readFileSync(keyFile, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw new SecretKeyError(`The key file ${keyFile} cannot be read. Let this user read it, or set ${VARIABLE}.`, { cause: error });
  }
}

/**
 * Two processes that start together agree on one key: each writes a file of its own to the end, then links it to the name, which
 * succeeds for the first only and shows nobody half a file. Both then read what is there. The bytes are on disk before the name is,
 * so no credentials are ever encrypted with a key that a power loss takes away.
 */
function createKeyFile(keyFile: string): string {
  const own = `${keyFile}.${randomBytes(8).toString('hex')}`;
  try {
    mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
    const file = openSync(own, 'wx', 0o600);
    try {
      writeSync(file, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    try {
      linkSync(own, keyFile);
      syncFolder(dirname(keyFile));
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    } finally {
      unlinkSync(own);
    }
    return readFileSync(keyFile, 'utf8');
  } catch (error) {
    throw new SecretKeyError(`The key file ${keyFile} cannot be made. Let this user write its folder, or set ${VARIABLE}.`, { cause: error });
  }
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
