import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { EncryptedRecord } from './credential-store.ts';
import { wordsOf, type SecretOwner } from './secret-owner.ts';
import { TidemarkError } from '../model/tidemark-error.ts';

/** A key of 32 bytes, and a fingerprint that identifies the key without revealing it. */
export interface SecretKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Thrown when credentials cannot be encrypted or decrypted with the available key. */
export class SecretKeyError extends TidemarkError {
  override readonly name = 'SecretKeyError';
  readonly code = 'secret-key';
}

const CIPHER = 'aes-256-gcm';
export const KEY_BYTES = 32;
export const HOW_TO_MAKE_A_KEY = `${KEY_BYTES} random bytes in base64, for example: openssl rand -base64 ${KEY_BYTES}`;
/** NIST SP 800-38D recommends 96 bits; random ones are safe for 2^32 messages under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FINGERPRINT_LENGTH = 16;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** @throws {SecretKeyError} when the key is not 32 bytes long */
export function secretKey(bytes: Uint8Array, source: string): SecretKey {
  if (bytes.byteLength !== KEY_BYTES) {
    throw new SecretKeyError(
      `The secret key in ${source} is ${bytes.byteLength} bytes long, not ${KEY_BYTES}. Write ${HOW_TO_MAKE_A_KEY}`,
    );
  }
  const id = createHash('sha256').update('tidemark key id').update(bytes).digest('hex').slice(0, FINGERPRINT_LENGTH);
  return { id, bytes };
}

/**
 * Reads keys in base64, one per line. The first key is the current one.
 *
 * @throws {SecretKeyError} when there is no key, or a line is not a key; the message does not show the line
 */
export function parseKeys(text: string, source: string): readonly [SecretKey, ...SecretKey[]] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const [current, ...others] = lines.map((line) => {
    if (!BASE64.test(line))
      throw new SecretKeyError(`The secret key in ${source} is not base64. Write ${HOW_TO_MAKE_A_KEY}`);
    return secretKey(Buffer.from(line, 'base64'), source);
  });
  if (current === undefined)
    throw new SecretKeyError(`There is no secret key in ${source}. Write ${HOW_TO_MAKE_A_KEY}`);
  return [current, ...others];
}

/** Encrypts bytes. `context` is authenticated with the bytes: decryption needs the same context. */
export function encrypt(key: SecretKey, context: string, bytes: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.bytes, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const sealed = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** @throws {Error} when the bytes were encrypted with another key or context, or were changed */
export function decrypt(key: SecretKey, context: string, sealed: Uint8Array): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const decipher = createDecipheriv(CIPHER, key.bytes, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
}

type SealedRecord = Pick<EncryptedRecord, 'keyId' | 'ciphertext'>;

/** Encrypts a secret for its owner. */
export function seal(key: SecretKey, owner: SecretOwner, text: string): SealedRecord {
  return { keyId: key.id, ciphertext: encrypt(key, owner, Buffer.from(text, 'utf8')) };
}

/**
 * Decrypts what {@link seal} made. The owner is authenticated with the secret, so a record that is moved to another
 * owner does not open.
 *
 * @throws {SecretKeyError} when another key encrypted the record, or the record was not sealed for this owner
 */
export function open(key: SecretKey, owner: SecretOwner, record: SealedRecord): string {
  const { what, replace, options } = wordsOf(owner);
  if (record.keyId !== key.id) {
    throw new SecretKeyError(
      `${what} were encrypted with the key ${record.keyId}, but the key in use is ${key.id}. ` +
        `Configure the former key too (TIDEMARK_OLD_SECRET_KEYS), or ${replace}.`,
      options,
    );
  }
  try {
    return decrypt(key, owner, record.ciphertext).toString('utf8');
  } catch (error) {
    throw new SecretKeyError(`${what} are damaged, or were stored for another owner. To replace them, ${replace}.`, {
      ...options,
      cause: error,
    });
  }
}
