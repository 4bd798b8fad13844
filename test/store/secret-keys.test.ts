import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { Secret } from '../../src/model/secret.ts';
import type { KeySource } from '../../src/model/key-source.ts';
import { readKeys } from '../../src/secrets/read-keys.ts';
import { addToOwnKeyFile, readOwnKeyFile } from '../../src/secrets/own-key-file.ts';
import { seal, secretKey, SecretKeyError } from '../../src/secrets/secret-box.ts';
import { SecretKeys } from '../../src/secrets/secret-keys.ts';
import { createVirtualClock } from '../fixtures/host/virtual-clock.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const alice = mailboxId('alice@example.com');
const former = { variable: 'TIDEMARK_SECRET_KEY', old: new Secret<readonly Uint8Array[]>([]) };
const newKey = () => randomBytes(32).toString('base64');

describe('the key file beside the database', () => {
  const folder = useFolder();
  const keyFile = () => join(folder(), 'data', 'tidemark.key');

  it('is readable by its owner only, and holds the same key the next time', () => {
    const [first] = readOwnKeyFile(keyFile());
    expect(readOwnKeyFile(keyFile()).map(({ id }) => id)).toEqual([first.id]);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(keyFile(), 'utf8'), 'base64').equals(Buffer.from(first.bytes))).toBe(true);
    expect(readdirSync(join(folder(), 'data'))).toEqual(['tidemark.key']);
  });

  it('holds one key when processes start together', async () => {
    const module = fileURLToPath(new URL('../../src/secrets/own-key-file.ts', import.meta.url));
    const program = `import { readOwnKeyFile } from ${JSON.stringify(module)};
      process.stdout.write(readOwnKeyFile(process.argv[1])[0].id);`;
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, keyFile()]);
    const ids = (await Promise.all(Array.from({ length: 4 }, start))).map(({ stdout }) => stdout);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toBe(readOwnKeyFile(keyFile())[0].id);
  });

  it('puts a new key before those that are kept', () => {
    const [first] = readOwnKeyFile(keyFile());
    const [second] = addToOwnKeyFile(keyFile(), { keep: new Set([first.id]) });
    expect(readOwnKeyFile(keyFile()).map(({ id }) => id)).toEqual([second.id, first.id]);
    const third = addToOwnKeyFile(keyFile(), { keep: new Set([second.id]) });
    expect(third.map(({ id }) => id)).toEqual([expect.any(String), second.id]);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder(), 'data'))).toEqual(['tidemark.key']);
  });

  it('is refused when it is damaged, and left as it is', () => {
    mkdirSync(join(folder(), 'data'));
    writeFileSync(keyFile(), '');
    expect(() => readOwnKeyFile(keyFile())).toThrow(keyFile());
    expect(readFileSync(keyFile(), 'utf8')).toBe('');
  });

  it('is refused when it has no place, or its place cannot be written', () => {
    expect(() => readOwnKeyFile(null)).toThrow('Set TIDEMARK_SECRET_KEY');
    writeFileSync(join(folder(), 'data'), 'a file');
    expect(() => readOwnKeyFile(keyFile())).toThrow(SecretKeyError);
  });
});

describe('the keys', () => {
  const folder = useFolder();
  const file = () => join(folder(), 'keys');
  const fromFile = (): KeySource => ({ kind: 'file', path: file(), ...former });
  const fromCommand = (command: string): KeySource => ({ kind: 'command', command: new Secret(command), ...former });

  it('come from the environment, the former ones after the current one, each once', async () => {
    const [current, old] = [randomBytes(32), randomBytes(32)];
    const keys = await readKeys(
      {
        kind: 'value',
        key: new Secret(current),
        variable: 'TIDEMARK_SECRET_KEY',
        old: new Secret([old, current, old]),
      },
      null,
    );
    expect(keys.map(({ id }) => id)).toEqual([secretKey(current, 'a').id, secretKey(old, 'a').id]);
  });

  it('come from a file, one on each line', async () => {
    const [current, old] = [newKey(), newKey()];
    writeFileSync(file(), `${current}\n\n ${old} \n`);
    expect((await readKeys(fromFile(), null)).map(({ bytes }) => Buffer.from(bytes).toString('base64'))).toEqual([
      current,
      old,
    ]);
  });

  it('come from a command', async () => {
    const key = newKey();
    expect(Buffer.from((await readKeys(fromCommand(`echo ${key}`), null))[0].bytes).toString('base64')).toBe(key);
  });

  it.for([
    ['prints no key', 'echo hunter2-is-no-key!', 'is not base64'],
    ['prints a short one', `echo ${Buffer.from('hunter2').toString('base64')}`, 'bytes long, not 32'],
    ['prints nothing', 'true', 'There is no secret key in the output of TIDEMARK_SECRET_KEY_COMMAND'],
    ['prints without end', 'yes hunter2', 'TIDEMARK_SECRET_KEY_COMMAND printed far more than a key'],
    ['fails', 'echo hunter2; echo hunter2 >&2; exit 3', 'The command in TIDEMARK_SECRET_KEY_COMMAND failed'],
  ] as const)('are refused when the command %s, and nothing that it printed is shown', async ([, command, reason]) => {
    const error: unknown = await readKeys(fromCommand(command), null).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SecretKeyError);
    const shown =
      error instanceof Error ? `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}` : '';
    expect(shown).toContain(reason);
    expect(shown).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  it.for([
    ['too short', randomBytes(16).toString('base64'), '16 bytes long, not 32'],
    ['too long', randomBytes(64).toString('base64'), '64 bytes long, not 32'],
    ['no base64', 'correct horse battery staple!', 'not base64'],
  ] as const)('are refused when one is %s, without being shown', async ([, text, reason]) => {
    writeFileSync(file(), text);
    const reading = readKeys(fromFile(), null);
    await expect(reading).rejects.toThrow(reason);
    await expect(reading).rejects.toThrow(file());
    await expect(reading).rejects.not.toThrow(text);
  });

  it('are read again for a record of an unknown key, so that a rotation needs no restart', async () => {
    const clock = createVirtualClock();
    writeFileSync(file(), newKey());
    const [old] = await readKeys(fromFile(), null);
    let reads = 0;
    const keys = await SecretKeys.load({ read: async () => (reads++, readKeys(fromFile(), null)), clock });
    const added = secretKey(randomBytes(32), 'a test');
    const record = seal(added, alice, 'secret');
    await expect(keys.open(alice, record)).rejects.toThrow(`encrypted with the key ${added.id}`);
    await expect(keys.open(alice, record)).rejects.toThrow(SecretKeyError);
    expect(reads).toBe(2);
    writeFileSync(
      file(),
      `${Buffer.from(added.bytes).toString('base64')}\n${Buffer.from(old.bytes).toString('base64')}\n`,
    );
    await clock.advance(10_000);
    expect(await keys.open(alice, record)).toBe('secret');
    expect(await keys.open(alice, seal(old, alice, 'of before'))).toBe('of before');
  });

  it('are read once for many records of an unknown key at the same time', async () => {
    const [old, added] = [secretKey(randomBytes(32), 'a'), secretKey(randomBytes(32), 'b')];
    let reads = 0;
    const slow = Promise.withResolvers<[typeof old, ...(typeof old)[]]>();
    const read = () => (reads++ === 0 ? Promise.resolve<[typeof old]>([old]) : slow.promise);
    const keys = await SecretKeys.load({ read, clock: createVirtualClock() });
    const record = seal(added, alice, 'secret');
    const opening = Promise.all(Array.from({ length: 50 }, () => keys.open(alice, record)));
    slow.resolve([added, old]);
    expect(new Set(await opening)).toEqual(new Set(['secret']));
    expect(reads).toBe(2);
  });

  it('encrypt as their source says now, and go on decrypting while their source does not answer', async () => {
    const clock = createVirtualClock();
    const [old, current] = [secretKey(randomBytes(32), 'a'), secretKey(randomBytes(32), 'b')];
    let source: [typeof old, ...(typeof old)[]] | null = [old];
    const read = async () => {
      if (source === null) throw new SecretKeyError('the source is away');
      return source;
    };
    const keys = await SecretKeys.load({ read, clock });
    source = [current, old];
    expect(await keys.seal(alice, 'x')).toMatchObject({ keyId: current.id });
    source = null;
    await clock.advance(60_000);
    expect(await keys.open(alice, seal(old, alice, 'x'))).toBe('x');
    await expect(keys.seal(alice, 'x')).rejects.toThrow('the source is away');
  });
});
