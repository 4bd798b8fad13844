import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { openSqliteCredentialStore } from '../../src/store/credentials/sqlite-credential-store.ts';
import { credentialStoreContract } from '../contract/credential-store-contract.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const alice = mailboxId('alice@example.com');
const record = (text: string) => ({ keyId: 'k1', ciphertext: Buffer.from(text), version: 0 });

const folder = useFolder();

async function opened(path: string) {
  const credentials = await openSqliteCredentialStore({ path });
  return { credentials, close: () => credentials.close() };
}

credentialStoreContract({ name: 'memory', open: () => opened(':memory:') });
credentialStoreContract({ name: 'a SQLite file', open: () => opened(join(folder(), 'credentials.db')) });

describe('a credential store in a file', () => {
  const path = () => join(folder(), 'secrets', 'credentials.db');

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

  it('shows one store what another has put', async () => {
    const [one, two] = await Promise.all([
      openSqliteCredentialStore({ path: path() }),
      openSqliteCredentialStore({ path: path() }),
    ]);
    await one.put(alice, record('x'));
    expect(await two.get(alice)).toMatchObject({ version: 1 });
    await one.close();
    await two.close();
  });

  it('that is damaged asks for a backup, or for every mailbox to be connected again', async () => {
    mkdirSync(join(folder(), 'secrets'));
    writeFileSync(path(), 'not a database, and longer than its header would be'.repeat(200));
    await expect(openSqliteCredentialStore({ path: path() })).rejects.toThrow(
      /is no SQLite database, .*; restore it from a backup, or delete it and connect every mailbox again\.$/,
    );
  });

  it('is unavailable when its file cannot be used', async () => {
    writeFileSync(join(folder(), 'secrets'), 'a file');
    await expect(openSqliteCredentialStore({ path: path() })).rejects.toMatchObject({
      name: 'StoreError',
      failure: { kind: 'unavailable' },
    });
  });
});
