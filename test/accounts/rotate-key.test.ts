import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { databaseAt } from '../../src/model/database-location.ts';
import { loadConfig } from '../../src/config/config.ts';
import { mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { secretKeysOf } from '../../src/storage/open-secret-keys.ts';
import { rotateKey } from '../../src/accounts/rotate-key.ts';
import type { CredentialStore } from '../../src/secrets/credential-store.ts';
import { seal, secretKey } from '../../src/secrets/secret-box.ts';
import { openStores } from '../../src/store/open-store.ts';
import { openSqliteCredentialStore } from '../../src/store/credentials/sqlite-credential-store.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const mailboxes = ['ada', 'bob', 'cy'].map((name) => mailboxId(`${name}@example.com`));
const [ada = mailboxId('ada@example.com'), bob = ada] = mailboxes;
const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

describe('a rotation', () => {
  const folder = useFolder();
  const config = (env: Record<string, string> = {}) =>
    loadConfig({ env: { HOME: folder(), TIDEMARK_DATA_DIR: folder(), ...env } });
  const oldOnly = () => config({ TIDEMARK_SECRET_KEY: OLD.toString('base64') });
  const both = () =>
    config({ TIDEMARK_SECRET_KEY: NEW.toString('base64'), TIDEMARK_OLD_SECRET_KEYS: OLD.toString('base64') });
  const newOnly = () => config({ TIDEMARK_SECRET_KEY: NEW.toString('base64') });
  const [oldId, newId] = [secretKey(OLD, 'a').id, secretKey(NEW, 'a').id];

  async function connect(credentials: CredentialStore, under = oldOnly()): Promise<void> {
    const keys = await secretKeysOf(under);
    for (const mailbox of mailboxes)
      await credentials.put(mailbox, { ...(await keys.seal(mailbox, `secret of ${mailbox}`)), version: 0 });
  }

  async function read(credentials: CredentialStore, mailbox: MailboxId, under = newOnly()): Promise<string> {
    const record = await credentials.get(mailbox);
    if (record === null) throw new Error(`${mailbox} has no record`);
    return (await secretKeysOf(under)).open(mailbox, record);
  }

  const openStore = () => openSqliteCredentialStore({ path: join(folder(), 'credentials.db') });

  it('encrypts every record with the current key, keeps the versions, and no longer needs the former key', async () => {
    const credentials = await openStore();
    await connect(credentials);
    expect(await rotateKey({ config: both(), stores: { credentials }, clock: systemClock })).toEqual({
      keyId: newId,
      madeKey: false,
      reencrypted: 3,
      unreadable: [],
      unneeded: [oldId],
    });
    for (const mailbox of mailboxes) {
      expect(await read(credentials, mailbox)).toBe(`secret of ${mailbox}`);
      expect((await credentials.get(mailbox))?.version).toBe(1);
    }
    expect(await rotateKey({ config: both(), stores: { credentials }, clock: systemClock })).toMatchObject({
      reencrypted: 0,
    });
    await credentials.close();
  });

  it('that is interrupted leaves every record readable with both keys, and the next one does the rest', async () => {
    const credentials = await openStore();
    await connect(credentials);
    const aborted = new AbortController();
    const interrupting: CredentialStore = Object.assign(Object.create(credentials) as CredentialStore, {
      get: (mailbox: MailboxId) => credentials.get(mailbox),
      listSealedByOthers: (keyId: string) => credentials.listSealedByOthers(keyId),
      reseal: async (...args: Parameters<CredentialStore['reseal']>) => {
        aborted.abort(new Error('interrupted'));
        return credentials.reseal(...args);
      },
    });
    await expect(
      rotateKey({ config: both(), stores: { credentials: interrupting }, clock: systemClock, signal: aborted.signal }),
    ).rejects.toThrow('interrupted');
    expect(await credentials.listSealedByOthers(newId)).toHaveLength(2);
    for (const mailbox of mailboxes) expect(await read(credentials, mailbox, both())).toBe(`secret of ${mailbox}`);
    expect(await rotateKey({ config: both(), stores: { credentials }, clock: systemClock })).toMatchObject({
      reencrypted: 2,
    });
    await credentials.close();
  });

  it('does not put back credentials that were replaced while it ran', async () => {
    const credentials = await openStore();
    await connect(credentials);
    const racing: CredentialStore = Object.assign(Object.create(credentials) as CredentialStore, {
      get: (mailbox: MailboxId) => credentials.get(mailbox),
      listSealedByOthers: (keyId: string) => credentials.listSealedByOthers(keyId),
      reseal: async (...args: Parameters<CredentialStore['reseal']>) => {
        const [mailbox, from] = args;
        // A consent between the reading and the writing, by a process that still encrypts with the former key.
        if (mailbox === bob && from.version === 1)
          await credentials.put(bob, { ...seal(secretKey(OLD, 'a'), bob, 'newer'), version: 0 });
        return credentials.reseal(...args);
      },
    });
    expect(await rotateKey({ config: both(), stores: { credentials: racing }, clock: systemClock })).toMatchObject({
      reencrypted: 3,
    });
    expect(await read(credentials, bob)).toBe('newer');
    expect(await credentials.listSealedByOthers(newId)).toEqual([]);
    await credentials.close();
  });

  it('names the mailboxes that no key opens, leaves those as they are, and encrypts the others', async () => {
    const credentials = await openStore();
    await connect(credentials);
    const lost = secretKey(randomBytes(32), 'a');
    await credentials.put(bob, { ...seal(lost, bob, 'x'), version: 0 });
    const before = await credentials.get(bob);
    expect(await rotateKey({ config: both(), stores: { credentials }, clock: systemClock })).toMatchObject({
      reencrypted: 2,
      unreadable: [bob],
    });
    expect(await credentials.get(bob)).toEqual(before);
    await credentials.close();
  });

  it('makes a new key in the key file of Tidemark, where a running process finds it', async () => {
    const credentials = await openStore();
    await connect(credentials, config());
    let now = 0;
    const running = await secretKeysOf(config(), { ...systemClock, now: () => now });
    const file = join(folder(), 'tidemark.key');
    const before = readFileSync(file, 'utf8').trim();
    const [first, second] = [
      await rotateKey({ config: config(), stores: { credentials }, clock: systemClock }),
      await rotateKey({ config: config(), stores: { credentials }, clock: systemClock }),
    ];
    expect(first).toMatchObject({ madeKey: true, reencrypted: 3, unreadable: [] });
    expect(second.unneeded).toEqual([first.keyId]);
    expect(readFileSync(file, 'utf8')).not.toContain(before);
    now = 20_000;
    const record = await credentials.get(ada);
    expect(record?.keyId).toBe(second.keyId);
    expect(record === null ? null : await running.open(ada, record)).toBe(`secret of ${ada}`);
    await credentials.close();
  });

  it('never loses a key to another rotation at the same time', async () => {
    const credentials = await openStore();
    await connect(credentials, config());
    await Promise.all(
      [1, 2, 3].map(() => rotateKey({ config: config(), stores: { credentials }, clock: systemClock })),
    );
    for (const mailbox of mailboxes) expect(await read(credentials, mailbox, config())).toBe(`secret of ${mailbox}`);
    await credentials.close();
  });
});

describePostgres('a rotation in PostgreSQL', () => {
  const newDatabase = useDatabases();

  it('may run twice at once, and leaves every record under the current key', async () => {
    const { store, credentials } = await openStores(databaseAt(await newDatabase()));
    const config = loadConfig({
      env: {
        HOME: '/nowhere',
        TIDEMARK_SECRET_KEY: NEW.toString('base64'),
        TIDEMARK_OLD_SECRET_KEYS: OLD.toString('base64'),
      },
    });
    const [old, current] = [secretKey(OLD, 'a'), secretKey(NEW, 'a')];
    for (const mailbox of mailboxes) await credentials.put(mailbox, { ...seal(old, mailbox, mailbox), version: 0 });
    const rotations = await Promise.all(
      [1, 2].map(() => rotateKey({ config, stores: { credentials }, clock: systemClock })),
    );
    expect(rotations.reduce((sum, { reencrypted }) => sum + reencrypted, 0)).toBe(mailboxes.length);
    expect(await credentials.listSealedByOthers(current.id)).toEqual([]);
    const keys = await secretKeysOf(config);
    for (const mailbox of mailboxes) {
      const record = await credentials.get(mailbox);
      expect(record?.version).toBe(1);
      expect(record === null ? null : await keys.open(mailbox, record)).toBe(mailbox);
    }
    await credentials.close();
    await store.close();
  });
});
