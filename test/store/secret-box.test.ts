import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { open, seal, secretKey, SecretKeyError } from '../../src/store/secret-box.ts';
import { loadSecretKey } from '../../src/store/secret-key-file.ts';
import { useFolder } from './folder.ts';

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
    expect(() => open(other, alice, seal(key, alice, text))).toThrow(new RegExp(`alice@example.com.*${key.id}.*${other.id}`));
    expect(() => open(other, alice, { ...seal(key, alice, text), keyId: other.id })).toThrow(SecretKeyError);
  });

  it('does not open for another mailbox', () => {
    expect(() => open(key, bob, seal(key, alice, text))).toThrow('damaged or belong to another mailbox');
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

  it('has a key id that tells keys apart and is not made of the key', () => {
    const bytes = randomBytes(32);
    expect(secretKey(bytes, 'a').id).toBe(secretKey(Buffer.from(bytes), 'b').id);
    expect(secretKey(bytes, 'a').id).not.toBe(key.id);
    expect(bytes.toString('hex')).not.toContain(secretKey(bytes, 'a').id);
  });
});

describe('the secret key', () => {
  const folder = useFolder();
  const keyFile = () => join(folder(), 'data', 'tidemark.key');

  it('comes from the environment when it is set there', () => {
    const bytes = randomBytes(32);
    expect(Buffer.from(loadSecretKey({ env: ` ${bytes.toString('base64')}\n`, keyFile: keyFile() }).bytes).equals(bytes)).toBe(true);
    expect(readdirSync(folder())).toEqual([]);
  });

  it('is made in a file of its owner alone, and is the same the next time', () => {
    const first = loadSecretKey({ env: undefined, keyFile: keyFile() });
    expect(loadSecretKey({ env: '', keyFile: keyFile() }).id).toBe(first.id);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(keyFile(), 'utf8'), 'base64').equals(Buffer.from(first.bytes))).toBe(true);
    expect(readdirSync(join(folder(), 'data'))).toEqual(['tidemark.key']);
  });

  it('is one key when processes start together', async () => {
    const program = `import { loadSecretKey } from ${JSON.stringify(fileURLToPath(new URL('../../src/store/secret-key-file.ts', import.meta.url)))};
      process.stdout.write(loadSecretKey({ env: undefined, keyFile: process.argv[1] }).id);`;
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, keyFile()]);
    const ids = (await Promise.all(Array.from({ length: 4 }, start))).map(({ stdout }) => stdout);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toBe(loadSecretKey({ env: undefined, keyFile: keyFile() }).id);
  });

  it.for([
    ['too short', randomBytes(16).toString('base64'), '16 bytes long, not 32'],
    ['too long', randomBytes(64).toString('base64'), '64 bytes long, not 32'],
    ['no base64', 'correct horse battery staple!', 'not base64'],
  ] as const)('is refused when it is %s, without being shown', ([, env, reason]) => {
    const load = () => loadSecretKey({ env, keyFile: keyFile() });
    expect(load).toThrow(SecretKeyError);
    expect(load).toThrow(/TIDEMARK_SECRET_KEY/);
    expect(load).toThrow(reason);
    expect(load).not.toThrow(env);
  });

  it('is refused when its file is damaged, and the file is left as it is', () => {
    mkdirSync(join(folder(), 'data'));
    writeFileSync(keyFile(), '');
    expect(() => loadSecretKey({ env: undefined, keyFile: keyFile() })).toThrow(keyFile());
    expect(readFileSync(keyFile(), 'utf8')).toBe('');
  });

  it('asks to be configured when there is no place for a file, or none that can be written', () => {
    expect(() => loadSecretKey({ env: undefined, keyFile: null })).toThrow('Set TIDEMARK_SECRET_KEY');
    writeFileSync(join(folder(), 'data'), 'a file');
    expect(() => loadSecretKey({ env: undefined, keyFile: keyFile() })).toThrow(SecretKeyError);
  });
});
