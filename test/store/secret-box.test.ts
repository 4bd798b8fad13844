import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { open, seal, secretKey, SecretKeyError } from '../../src/secrets/secret-box.ts';

const alice = mailboxId('alice@example.com');
const bob = mailboxId('bob@example.com');

describe('a sealed secret', () => {
  const key = secretKey(randomBytes(32), 'the test');
  const text = '{"refresh_token":"1//secret – ünïcode"}';

  it('opens with the same key for the same mailbox', () => {
    expect(open(key, alice, seal(key, alice, text))).toBe(text);
  });

  it('looks different each time, and shows nothing of the text', () => {
    const [one, two] = [seal(key, alice, text), seal(key, alice, text)];
    expect(Buffer.from(one.ciphertext).equals(Buffer.from(two.ciphertext))).toBe(false);
    expect(Buffer.from(one.ciphertext).toString('latin1')).not.toContain('refresh_token');
  });

  it('does not open with another key, and the error names both by their fingerprints', () => {
    const other = secretKey(randomBytes(32), 'the test');
    expect(() => open(other, alice, seal(key, alice, text))).toThrow(
      new RegExp(`alice@example.com.*${key.id}.*${other.id}`),
    );
    expect(() => open(other, alice, { ...seal(key, alice, text), keyId: other.id })).toThrow(SecretKeyError);
  });

  it('does not open for another mailbox', () => {
    expect(() => open(key, bob, seal(key, alice, text))).toThrow('damaged, or were stored for another owner');
  });

  it('does not open when a byte was changed, or all but a few are missing', () => {
    const sealed = seal(key, alice, text);
    for (const index of [0, 12, 28, sealed.ciphertext.byteLength - 1]) {
      const ciphertext = Buffer.from(sealed.ciphertext);
      ciphertext[index] = (ciphertext[index] ?? 0) ^ 1;
      expect(() => open(key, alice, { ...sealed, ciphertext })).toThrow(SecretKeyError);
    }
    expect(() => open(key, alice, { ...sealed, ciphertext: sealed.ciphertext.subarray(0, 5) })).toThrow(SecretKeyError);
  });

  it('has a key id that distinguishes keys and is no part of the key', () => {
    const bytes = randomBytes(32);
    expect(secretKey(bytes, 'a').id).toBe(secretKey(Buffer.from(bytes), 'b').id);
    expect(secretKey(bytes, 'a').id).not.toBe(key.id);
    expect(bytes.toString('hex')).not.toContain(secretKey(bytes, 'a').id);
  });
});
