import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { openSqliteCredentialStore } from '../../src/store/sqlite-credential-store.ts';
import { useFolder } from './folder.ts';

const alice = mailboxId('alice@example.com');
const bob = mailboxId('bob@example.com');
const record = (text: string) => ({ keyId: 'k1', ciphertext: Buffer.from(text), version: 0 });

describe('a credential store', () => {
  const folder = useFolder();
  const path = () => join(folder(), 'secrets', 'credentials.db');

  it.for([':memory:', 'a file'])('keeps one record a mailbox, in %s', async (place) => {
    const credentials = await openSqliteCredentialStore({ path: place === 'a file' ? path() : place });
    expect(await credentials.get(alice)).toBeNull();
    await credentials.put(alice, record('first'));
    await credentials.put(bob, record('of bob'));
    await credentials.put(alice, { ...record('second'), keyId: 'k2' });
    const held = await credentials.get(alice);
    expect(held?.keyId).toBe('k2');
    expect(Buffer.from(held?.ciphertext ?? []).toString()).toBe('second');
    await credentials.delete(alice);
    expect(await credentials.get(alice)).toBeNull();
    expect(Buffer.from((await credentials.get(bob))?.ciphertext ?? []).toString()).toBe('of bob');
    await credentials.close();
  });

  it('counts versions up, over a deletion too', async () => {
    const credentials = await openSqliteCredentialStore({ path: ':memory:' });
    const version = async () => {
      await credentials.put(alice, record('x'));
      return (await credentials.get(alice))?.version;
    };
    expect([await version(), await version()]).toEqual([1, 2]);
    await credentials.delete(alice);
    expect(await version()).toBe(3);
    await credentials.close();
  });

  it('encrypts a record anew only where it still is what was read, and leaves its version', async () => {
    const credentials = await openSqliteCredentialStore({ path: ':memory:' });
    await credentials.put(alice, record('x'));
    await credentials.put(bob, record('y'));
    const before = await credentials.get(alice);
    if (before === null) throw new Error('nothing stored');
    expect(await credentials.listSealedByOthers('k2')).toEqual([alice, bob]);
    expect(await credentials.reseal(alice, before, { keyId: 'k2', ciphertext: Buffer.from('z') })).toBe(true);
    expect(await credentials.get(alice)).toMatchObject({ keyId: 'k2', version: 1 });
    expect(await credentials.listSealedByOthers('k2')).toEqual([bob]);
    // Resealed by somebody else, put anew, deleted: each is a change.
    expect(await credentials.reseal(alice, before, { keyId: 'k3', ciphertext: Buffer.from('w') })).toBe(false);
    await credentials.put(alice, record('new'));
    expect(await credentials.reseal(alice, before, { keyId: 'k3', ciphertext: Buffer.from('w') })).toBe(false);
    await credentials.delete(bob);
    expect(await credentials.reseal(bob, { ...record('y'), version: 1 }, { keyId: 'k3', ciphertext: Buffer.from('w') })).toBe(false);
    expect(await credentials.listSealedByOthers('k2')).toEqual([alice]);
    await credentials.close();
  });

  it('is readable by its owner only, whatever the file was before', async () => {
    const first = await openSqliteCredentialStore({ path: path() });
    await first.put(alice, record('x'));
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(statSync(`${path()}-wal`).mode & 0o777).toBe(0o600);
    await first.close();
    chmodSync(path(), 0o644);
    const second = await openSqliteCredentialStore({ path: path() });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(await second.get(alice)).toMatchObject({ version: 1 });
    await second.close();
  });

  it('shows one process what another has put', async () => {
    const [one, two] = await Promise.all([openSqliteCredentialStore({ path: path() }), openSqliteCredentialStore({ path: path() })]);
    await one.put(alice, record('x'));
    expect(await two.get(alice)).toMatchObject({ version: 1 });
    await one.close();
    await two.close();
  });

  it('is unavailable when its file cannot be used', async () => {
    writeFileSync(join(folder(), 'secrets'), 'a file');
    await expect(openSqliteCredentialStore({ path: path() })).rejects.toMatchObject({ name: 'StoreError', failure: { kind: 'unavailable' } });
  });
});
