import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { databaseAt, UnsupportedDatabaseError } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { closeStores, migrateStores, openStores } from '../../src/store/open-store.ts';
import { storeFiles } from '../../src/store/store-files.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const alice = mailboxId('alice@example.com');

describe('a database URL', () => {
  const folder = useFolder();

  it('names a file, beside which the credentials and their key lie', async () => {
    const path = join(folder(), 'data', 'mail.db');
    expect(storeFiles(path)).toEqual({
      database: join(folder(), 'data', 'mail.db'),
      credentials: join(folder(), 'data', 'mail-credentials.db'),
      keyFile: join(folder(), 'data', 'mail.key'),
    });
    const { store, credentials } = await openStores(databaseAt(`sqlite:${path}`));
    await store.putMailbox({ mailbox: alice, settings: DEFAULT_SETTINGS, now: 1 });
    await credentials.put(alice, { keyId: 'k', ciphertext: Buffer.from('x'), version: 0 });
    await store.close();
    await credentials.close();
    expect(existsSync(storeFiles(path).database)).toBe(true);
    expect(existsSync(storeFiles(path).credentials)).toBe(true);
  });

  it('lets a program that makes no store keep credentials, whose file appears with the first of them', async () => {
    const location = databaseAt(`sqlite:${join(folder(), 'mail.db')}`);
    await migrateStores(location);
    const opened = () => openStores(location, { create: false });
    const [first, other] = [await opened(), await opened()];
    expect([await first.credentials.get(alice), await first.credentials.list()]).toEqual([null, []]);
    expect(existsSync(storeFiles(join(folder(), 'mail.db')).credentials)).toBe(false);
    await first.credentials.put(alice, { keyId: 'k', ciphertext: Buffer.from('x'), version: 0 });
    await closeStores(first);
    expect(await other.credentials.list()).toEqual([alice]);
    await closeStores(other);
    const later = await opened();
    expect(await later.credentials.get(alice)).toMatchObject({ keyId: 'k', version: 1 });
    await closeStores(later);
  });

  it('may have an authority, or be relative', () => {
    expect(databaseAt('sqlite:///var/lib/mail.db')).toEqual({ kind: 'sqlite', path: '/var/lib/mail.db' });
    expect(databaseAt('sqlite:data/mail.db')).toEqual({ kind: 'sqlite', path: 'data/mail.db' });
    expect(storeFiles('data/mail.db').credentials).toBe('data/mail-credentials.db');
  });

  it('may be the memory, where nothing is kept', async () => {
    expect(storeFiles(':memory:')).toEqual({ database: ':memory:', credentials: ':memory:', keyFile: null });
    const { store, credentials } = await openStores(databaseAt('sqlite::memory:'));
    expect(await store.listMailboxes()).toEqual([]);
    await store.close();
    await credentials.close();
  });

  it.for([
    ['postgres://tidemark:secret@db', 'names no database'],
    ['postgres://tidemark:secret@db/mail?sslmode=prefer', 'has an sslmode that Tidemark does not offer'],
    ['postgres://tidemark:secret@db/mail?sslmood=require', 'has a parameter "sslmood"'],
    ['postgres://tidemark@db/mail?password=secret', 'has a parameter "password"'],
    ['mysql://root:secret@db/mail', 'begins with "mysql:"'],
    ['/var/lib/secret.db', 'has no scheme'],
    ['sqlite:', 'names no file'],
  ] as const)('is refused when it is %s, without repeating what may be a password', ([url, reason]) => {
    const refused = (): unknown => databaseAt(url);
    expect(refused).toThrow(UnsupportedDatabaseError);
    expect(refused).toThrow(reason);
    expect(refused).not.toThrow('secret');
  });
});
