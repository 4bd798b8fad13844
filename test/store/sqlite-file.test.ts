import { fork, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as untilImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { StoreError } from '../../src/store/engines/store-error.ts';
import { labelled, openMailbox, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const WRITER = fileURLToPath(new URL('writer-process.ts', import.meta.url));
const alice = mailboxId('alice@example.com');

describe('a store in a SQLite file', () => {
  const folder = useFolder();
  const path = () => join(folder(), 'mirror.db');
  const opened: SqliteStore[] = [];
  const children: ChildProcess[] = [];

  async function open(): Promise<SqliteStore> {
    const store = await openSqliteStore({ path: path() });
    opened.push(store);
    return store;
  }

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const store of opened.splice(0)) await store.close();
  });

  /** A mailbox whose listing is ended in one long transaction. */
  async function longListing(): Promise<TestMailbox> {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.begin(100);
    await mailbox.list(Array.from({ length: 3_000 }, (_, index) => `m${String(index).padStart(5, '0')}`));
    return mailbox;
  }

  /** Until somebody is in the middle of a transaction that writes. */
  async function untilLocked(): Promise<void> {
    const another = new DatabaseSync(path(), { timeout: 0 });
    const isLocked = (): boolean => {
      try {
        another.exec('begin immediate');
        another.exec('rollback');
        return false;
      } catch {
        return true;
      }
    };
    for (let turns = 0; !isLocked(); turns++) {
      if (turns > 1_000) throw new Error('nobody writes');
      await untilImmediate();
    }
    another.close();
  }

  it('is created with its folder, readable by its owner only', async () => {
    const deep = join(folder(), 'data', 'of', 'alice.db');
    const store = await openSqliteStore({ path: deep });
    await store.putMailbox({ mailbox: alice, settings: DEFAULT_SETTINGS, now: 1 });
    for (const name of readdirSync(join(folder(), 'data', 'of')))
      expect(statSync(join(folder(), 'data', 'of', name)).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder(), 'data')).mode & 0o777).toBe(0o700);
    await store.close();
  });

  it('holds the same when it is opened again', async () => {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.sync([reading('a')]);
    const before = [await mailbox.row(), await mailbox.messages(), await mailbox.changes()];
    await mailbox.store.close();
    const again = new TestMailbox(await open(), alice);
    expect([await again.row(), await again.messages(), await again.changes()]).toEqual(before);
  });

  it('shows one store what another has written', async () => {
    const mailbox = await openMailbox({ name: '', open });
    const reader = new TestMailbox(await open(), alice);
    await mailbox.sync([reading('a')]);
    expect(await reader.feed()).toEqual(['stored a']);
  });

  it('writes nothing when nothing differs', async () => {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.sync([reading('a'), reading('b')]);
    const page = [record(101, labelled('a', 'X'))];
    await mailbox.apply(page, { settledBefore: 100 });
    const watcher = new DatabaseSync(path());
    const version = () => watcher.prepare('pragma data_version').get();
    const before = version();
    await mailbox.save(reading('b'));
    await mailbox.apply(page, { settledBefore: 100 });
    await mailbox.finish();
    await mailbox.store.saveLabels({ mailbox: alice, labels: [], now: 1 });
    await mailbox.store.noteCondition({ mailbox: alice, lane: 'live', condition: null });
    await mailbox.put();
    expect(version()).toEqual(before);
    await mailbox.save(reading('c'));
    expect(version()).not.toEqual(before);
    watcher.close();
  });

  it('keeps neither dropped bodies of deleted messages nor label listings that were compared', async () => {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.sync([reading('a'), reading('b'), reading('c', { labels: ['TRASH'] })]);
    await mailbox.begin(200);
    await mailbox.list(['a']);
    await mailbox.listLabels({ INBOX: ['a'] });
    await mailbox.finish({ labels: 'compared' });
    await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 0 });
    const inside = new DatabaseSync(path());
    expect(inside.prepare('select message_id from bodies').all()).toEqual([{ message_id: 'a' }]);
    expect(inside.prepare('select * from label_listings').all()).toEqual([]);
    inside.close();
  });

  it('lets writers take turns', async () => {
    const first = await openMailbox({ name: '', open });
    const second = new TestMailbox(await open(), alice);
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? first : second).save(reading(`m${index}`))),
    );
    expect((await first.changes()).map((change) => change.sequence)).toEqual(
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
  });

  it('lets readers read while a writer works through a long listing, and other writers wait for it', async () => {
    const mailbox = await longListing();
    const other = new TestMailbox(await open(), alice);
    const order: string[] = [];
    const finishing = mailbox.finish().then(() => order.push('finished'));
    await untilLocked();
    await Promise.all([
      finishing,
      other.counts().then((counts) => order.push(`counted ${counts.pending}`)),
      other.save(reading('x')).then(() => order.push('saved')),
    ]);
    expect(order).toEqual(['counted 3000', 'finished', 'saved']);
  });

  it('loses nothing acknowledged when its process is killed', async () => {
    const mailbox = await openMailbox({ name: '', open });
    const child = fork(WRITER, [path()], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    children.push(child);
    let acknowledged = 0;
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', () => resolve());
      child.on('message', (count) => {
        acknowledged = Number(count);
        if (acknowledged >= 50) child.kill('SIGKILL');
      });
    });
    const { stored } = await mailbox.counts();
    expect(stored).toBeGreaterThanOrEqual(acknowledged);
    expect(await mailbox.changes()).toHaveLength(Math.min(stored, 1_000));
    expect(await mailbox.save(reading('after'))).toMatchObject({ stored: 1 });
  });

  it('notices that its file was deleted, and begins with a new one at the next call', async () => {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.sync([reading('a')]);
    for (const name of readdirSync(folder())) rmSync(join(folder(), name));
    await expect(mailbox.save(reading('b'))).rejects.toMatchObject({
      failure: { kind: 'lost' },
      message: expect.stringContaining('deleted or replaced') as string,
    });
    expect(await mailbox.store.getMailbox(alice)).toBeNull();
    await mailbox.put();
    expect(await mailbox.save(reading('b'))).toEqual({ stored: 1, stale: [] });
    expect(existsSync(path())).toBe(true);
  });

  it('notices that a backup was put in the place of its file, and goes on with the backup', async () => {
    const mailbox = await openMailbox({ name: '', open });
    await mailbox.sync([reading('a')]);
    await mailbox.store.close();
    copyFileSync(path(), join(folder(), 'backup'));
    const later = new TestMailbox(await open(), alice);
    later.generation = 1;
    await later.apply([record(101, labelled('a', 'X'))]);
    for (const suffix of ['-wal', '-shm']) rmSync(`${path()}${suffix}`, { force: true });
    renameSync(join(folder(), 'backup'), path());
    await expect(later.labels()).rejects.toMatchObject({ failure: { kind: 'lost' } });
    expect(await later.labels()).toEqual({ a: ['INBOX'] });
    expect((await later.row()).historyId).toBe('100');
  });

  it('ends every call that is under way, as done or as lost, when the file is replaced', async () => {
    const mailbox = await longListing();
    const running = mailbox.finish();
    await untilLocked();
    // It waits for its turn to write.
    const waiting = mailbox.save(reading('a'));
    await untilImmediate();
    rmSync(path());
    const outcomes = await Promise.allSettled([running, waiting, mailbox.counts(), mailbox.save(reading('b'))]);
    const ends = outcomes.map((outcome) => {
      if (outcome.status === 'fulfilled') return 'done';
      const reason: unknown = outcome.reason;
      return reason instanceof StoreError ? reason.failure.kind : reason;
    });
    expect(ends).toEqual(['done', 'done', 'lost', 'lost']);
  });

  it('waits for a lock that another process holds, and lets its own process work meanwhile', async () => {
    const mailbox = await openMailbox({ name: '', open });
    const other = new DatabaseSync(path());
    other.exec('begin immediate');
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
      if (turns === 5) other.exec('commit');
    }, 1);
    expect(await mailbox.save(reading('a'))).toMatchObject({ stored: 1 });
    clearInterval(ticking);
    other.close();
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('refuses a file that is no database, or is in a folder that is a file, as unavailable', async () => {
    writeFileSync(path(), 'this is a letter, not a database, and long enough to be taken for one '.repeat(20));
    await expect(open()).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringContaining('is no SQLite database, or its beginning is damaged') as string,
    });
    expect(readFileSync(path(), 'utf8')).toContain('this is a letter');
    await expect(openSqliteStore({ path: join(path(), 'x.db') })).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
    });
    mkdirSync(join(folder(), 'folder.db'));
    await expect(openSqliteStore({ path: join(folder(), 'folder.db') })).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
    });
  });

  it('refuses a schema newer than it knows, and changes nothing', async () => {
    await (await open()).close();
    const newer = new DatabaseSync(path());
    const migrations = Number(newer.prepare('select count(*) as n from kysely_migration').get()?.['n']);
    newer.exec("insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01T00:00:00.000Z')");
    await expect(open()).rejects.toMatchObject({
      failure: { kind: 'newer-schema' },
      message: expect.stringContaining('9999-later') as string,
    });
    expect(newer.prepare('select count(*) as n from kysely_migration').get()).toEqual({ n: migrations + 1 });
    newer.close();
  });

  it('is migrated once when many open it at once', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => open()));
    await stores[0]?.putMailbox({ mailbox: alice, settings: DEFAULT_SETTINGS, now: 1 });
    expect(await Promise.all(stores.map(async (store) => (await store.listMailboxes()).length))).toEqual([
      1, 1, 1, 1, 1, 1,
    ]);
  });

  it('is unavailable once it is closed', async () => {
    const store = await open();
    await store.close();
    await store.close();
    await expect(store.listMailboxes()).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringContaining('was closed') as string,
    });
  });
});
