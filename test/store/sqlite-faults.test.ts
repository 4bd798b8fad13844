import { fork } from 'node:child_process';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { openStores } from '../../src/store/open-store.ts';
import { whileBusy } from '../../src/store/engines/sqlite-connection.ts';
import { isBusy, translateSqliteError } from '../../src/store/engines/sqlite-errors.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { openMailbox, reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { asAnotherUser, otherUserMissing } from '../fixtures/host/other-user.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const WRITER = fileURLToPath(new URL('writer-process.ts', import.meta.url));
const alice = mailboxId('alice@example.com');

/** What a file holds, read without a store. */
function look(path: string): { sound: boolean; ids: string[]; sequence: number; changes: number } {
  const database = new DatabaseSync(path);
  try {
    const [check] = database.prepare('pragma integrity_check').all();
    const ids = database
      .prepare('select id from messages order by id')
      .all()
      .map(({ id }) => String(id));
    const [row] = database
      .prepare('select change_sequence as sequence, (select count(*) from changes) as changes from mailboxes')
      .all();
    return {
      sound: check?.['integrity_check'] === 'ok',
      ids,
      sequence: Number(row?.['sequence']),
      changes: Number(row?.['changes']),
    };
  } finally {
    database.close();
  }
}

describe('a SQLite file under faults', () => {
  const folder = useFolder();
  const path = (): string => join(folder(), 'mirror.db');
  const opened: SqliteStore[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close().catch(() => undefined);
  });
  const open = async (at = path()): Promise<SqliteStore> => {
    const store = await openSqliteStore({ path: at });
    opened.push(store);
    return store;
  };
  const unavailable = (what: string | RegExp): object => ({
    failure: { kind: 'unavailable' },
    message: expect.stringMatching(what) as string,
  });

  it('that another process holds for longer than a call waits is reported as locked', async () => {
    await open();
    const holder = new DatabaseSync(path());
    holder.exec('begin immediate');
    // All tries together take half a minute by SQLite's own wait; without it, each fails at once.
    const impatient = new DatabaseSync(path(), { timeout: 0 });
    let tries = 0;
    const error: unknown = await whileBusy(async () => {
      tries += 1;
      impatient.exec('begin immediate');
    }).catch((thrown: unknown) => thrown);
    expect(tries).toBe(1_500);
    expect(isBusy(error)).toBe(true);
    expect(translateSqliteError(error, path())).toMatchObject(unavailable('is locked by another process'));
    holder.exec('rollback');
    await whileBusy(async () => impatient.exec('begin immediate; rollback'));
    for (const database of [holder, impatient]) database.close();
  });

  it("whose write-ahead log is removed keeps the worker's writes; others fail until the worker ends", async () => {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.sync([reading('a')]);
    for (const ending of ['-wal', '-shm']) rmSync(`${path()}${ending}`);
    await mailbox.save(reading('b'));
    await expect(open()).rejects.toMatchObject(unavailable('a file beside it was removed while it was in use'));
    await mailbox.save(reading('c'));
    await mailbox.store.close();
    expect(look(path())).toMatchObject({ sound: true, ids: ['a', 'b', 'c'], sequence: 3, changes: 3 });
    expect(await new TestMailbox(await open(), alice).feed()).toEqual(['stored a', 'stored b', 'stored c']);
  });

  it('whose write-ahead log is removed after a kill is an older store that is whole', async () => {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.sync([reading('first')]);
    await mailbox.store.close();
    const child = fork(WRITER, [path()], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await new Promise<void>((resolve) => {
      child.on('message', (count) => {
        if (Number(count) >= 40) child.kill('SIGKILL');
      });
      child.on('exit', () => resolve());
    });
    for (const ending of ['-wal', '-shm']) rmSync(`${path()}${ending}`, { force: true });
    const { sound, ids, sequence, changes } = look(path());
    expect({ sound, stored: ids.length, sequence }).toEqual({ sound: true, stored: changes, sequence: changes });
    const again = new TestMailbox(await open(), alice);
    expect(await again.save(reading('after'))).toMatchObject({ stored: 1 });
    expect((await again.changes()).at(-1)?.sequence).toBe(changes + 1);
  });

  it.each([
    ['pages that were overwritten', (file: Buffer) => file.fill(0xa5, 8_192 * 2)],
    ['its end cut off', (file: Buffer) => file.subarray(0, 8_192 * 5)],
  ])('with %s is reported as damaged, and starts over once it is removed', async (_name, spoil) => {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.sync([reading('a')]);
    await mailbox.store.close();
    writeFileSync(path(), spoil(readFileSync(path())));
    const damaged = unavailable('is damaged; restore it from a backup, or delete it to have everything fetched again');
    const use = async (): Promise<void> => {
      const again = new TestMailbox(await open(), alice);
      await again.save(reading('b'));
      await again.messages();
      await again.changes();
    };
    await expect(use()).rejects.toMatchObject(damaged);
    await Promise.all(opened.splice(0).map((store) => store.close()));
    for (const name of readdirSync(folder())) rmSync(join(folder(), name));
    const another = await openMailbox({ name: '', open });
    expect(await another.sync([reading('a')])).not.toBeNull();
  });

  it('that is a link is used at its target, by either name, and created there where it is missing', async () => {
    mkdirSync(join(folder(), 'disk'));
    const real = join(realpathSync(folder()), 'disk', 'real.db');
    symlinkSync(real, path());
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.save(reading('a'));
    const byItsName = new TestMailbox(await open(real), alice);
    await byItsName.save(reading('b'));
    expect(await mailbox.feed()).toEqual(['stored a', 'stored b']);
    expect(readdirSync(join(folder(), 'disk')).toSorted()).toEqual(['real.db', 'real.db-shm', 'real.db-wal']);
    expect([lstatSync(path()).isSymbolicLink(), statSync(path()).mode & 0o777]).toEqual([true, 0o600]);
    copyFileSync(real, `${real}.new`);
    renameSync(`${real}.new`, real);
    await expect(mailbox.save(reading('c'))).rejects.toMatchObject({ failure: { kind: 'lost' } });
  });

  it('in a data folder that is a link is used with all that lies beside it', async () => {
    mkdirSync(join(folder(), 'disk'));
    symlinkSync(join(folder(), 'disk'), join(folder(), 'data'));
    const stores = await openStores(databaseAt(`sqlite:${join(folder(), 'data', 'mirror.db')}`));
    await stores.credentials.put(alice, { keyId: 'k', ciphertext: Buffer.from('sealed'), version: 0 });
    await stores.store.close();
    await stores.credentials.close();
    expect(readdirSync(join(folder(), 'disk')).length).toBeGreaterThanOrEqual(2);
    expect(statSync(join(folder(), 'disk', 'mirror.db')).mode & 0o777).toBe(0o600);
  });

  it.skipIf(otherUserMissing)(
    'that this user may not write, or whose folder it may not write, is reported and unharmed',
    async () => {
      const mailbox = await openMailbox({ name: '', open });
      await mailbox.sync([reading('a')]);
      await mailbox.store.close();
      const before = readFileSync(path());
      const other = await asAnotherUser(folder());
      const tries = async (): Promise<string> =>
        other.run(fileURLToPath(new URL('saving-process.ts', import.meta.url)), [path()]);

      other.chmod(path(), 0o444);
      expect(await tries()).toMatch(
        new RegExp(
          String.raw`unavailable: The database .*mirror\.db could not be ` +
            String.raw`opened \(EACCES\); check the folder and its permissions\.$`,
        ),
      );
      other.chmod(path(), 0o666);
      other.chmod(folder(), 0o555);
      expect(await tries()).toMatch(
        new RegExp(
          String.raw`unavailable: The database .*mirror\.db (is read-only; allow ` +
            String.raw`this user to write the file and its folder|could not be opened; ` +
            String.raw`check that the folder exists and that this user may write it)\.$`,
        ),
      );
      expect(readFileSync(path()).equals(before)).toBe(true);
      other.chmod(folder(), 0o777);
      expect(await tries()).toBe('saved');
    },
  );
});
