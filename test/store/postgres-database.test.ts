import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, expect, it } from 'vitest';
import { databaseAt, postgresAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { openStores } from '../../src/store/open-store.ts';
import { PostgresDatabase } from '../../src/store/engines/postgres-database.ts';
import type { Stores } from '../../src/store/stores.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { administer } from '../fixtures/postgres/postgres-server.ts';

const alice = mailboxId('alice@example.com');

describePostgres('a store in PostgreSQL', () => {
  const newDatabase = useDatabases();
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function open(url: string, poolSize = 10): Promise<Stores> {
    const stores = await openStores(databaseAt(url, { poolSize }));
    ends.push(() => stores.store.close());
    return stores;
  }

  async function openMailbox(url: string, poolSize?: number): Promise<TestMailbox> {
    const mailbox = new TestMailbox((await open(url, poolSize)).store, alice);
    await mailbox.put();
    return mailbox;
  }

  /** Another program's connection. */
  async function connection(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url, options: '-c search_path=tidemark' });
    client.on('error', () => undefined);
    await client.connect();
    ends.push(() => client.end());
    return client;
  }

  /** Waits until `count` connections of the store wait for a lock. */
  const untilWaiting = (url: string, count: number) =>
    eventually(30_000, async () => {
      const [row] = await administer(
        url,
        'select count(*)::int as waiting from pg_stat_activity where datname = current_database() and ' +
          "application_name = 'tidemark' and wait_event_type = 'Lock'",
      );
      return row?.['waiting'] === count ? true : null;
    });

  it('lets writers of one mailbox take turns, and readers and the ledger go on meanwhile', async () => {
    const url = await newDatabase();
    const mailbox = await openMailbox(url);
    const holder = await connection(url);
    await holder.query('begin');
    await holder.query("select * from mailboxes where id = 'alice@example.com' for no key update");
    const order: string[] = [];
    const saving = mailbox.save(reading('a')).then(() => order.push('saved'));
    await untilWaiting(url, 1);
    // Every call to Gmail writes these: they must not wait for the end of a large listing.
    await mailbox.store.update(alice, () => ({ ledger: 'spent', result: null }));
    await mailbox.store.addUsage(
      alice,
      [{ method: 'messages.get', calls: 1, units: 20, rejected: 0, failed: 0 }],
      '2026-11-22',
    );
    expect(await mailbox.messages()).toEqual([]);
    await mailbox.store.putMailbox({
      mailbox: mailboxId('bob@example.com'),
      settings: (await mailbox.row()).settings,
      now: 1,
    });
    order.push('the rest');
    await holder.query('commit');
    await saving;
    expect(order).toEqual(['the rest', 'saved']);
  });

  it('reads messages whose numbers are too large for JavaScript', async () => {
    const url = await newDatabase();
    const mailbox = await openMailbox(url);
    await mailbox.save(reading('a'), reading('b'), reading('c'));
    const client = await connection(url);
    await client.query("update messages set size_estimate = 9007199254740993 where id = 'a'");
    await client.query("update messages set internal_date = 9223372036854775807 where id = 'b'");
    expect(await mailbox.messages()).toMatchObject([
      { id: 'a', sizeEstimate: 0 },
      { id: 'b', internalDate: null },
      { id: 'c', sizeEstimate: 100 },
    ]);
    expect(await mailbox.save(reading('a', { at: 11 }), reading('b', { at: 11 }))).toMatchObject({ stale: [] });
  });

  it('numbers changes without gaps when many workers write at once', async () => {
    const url = await newDatabase();
    const first = await openMailbox(url, 4);
    const workers = [first, ...(await Promise.all([1, 2, 3].map(() => openMailbox(url, 4))))];
    await Promise.all(
      workers.flatMap((worker, index) =>
        Array.from({ length: 10 }, (_, batch) =>
          worker.save(reading(`m${index}-${batch}-1`), reading(`m${index}-${batch}-2`), reading('shared')),
        ),
      ),
    );
    expect((await first.changes()).map((change) => change.sequence)).toEqual(
      Array.from({ length: 81 }, (_, index) => index + 1),
    );
    expect(await first.counts()).toMatchObject({ stored: 81 });
  });

  it('repeats a transaction that was given up to end a deadlock', async () => {
    const url = await newDatabase();
    await administer(
      url,
      'create table tidemark_rows (id int primary key, n int)',
      'insert into tidemark_rows values (1, 0), (2, 0)',
    );
    ends.push(async () => void (await administer(url, 'drop table tidemark_rows')));
    const database = new PostgresDatabase(postgresAt(url, {}));
    ends.push(() => database.close());
    let runs = 0;
    let holding = 0;
    const both = Promise.withResolvers<void>();
    const cross = (one: number, other: number) =>
      database.write(async (tx) => {
        runs += 1;
        // The repeated one starts when the other has committed. Sooner, it could take its first row again before the
        // other wakes up, and so close a second circle.
        if (runs > 2) await Promise.race(crossing);
        await sql`update public.tidemark_rows set n = n + 1 where id = ${one}`.execute(tx);
        holding += 1;
        if (holding === 2) both.resolve();
        await both.promise;
        await sql`update public.tidemark_rows set n = n + 1 where id = ${other}`.execute(tx);
      });
    const crossing = [cross(1, 2), cross(2, 1)];
    await Promise.all(crossing);
    expect(runs).toBe(3);
    expect(await administer(url, 'select n from tidemark_rows')).toEqual([{ n: 2 }, { n: 2 }]);
  });

  it('counts the usage of one mailbox from many workers, whatever order the methods come in', async () => {
    const mailbox = await openMailbox(await newDatabase());
    const usage = ['history.list', 'messages.get', 'messages.list', 'threads.get'].map((method) => ({
      method,
      calls: 1,
      units: 1,
      rejected: 0,
      failed: 0,
    }));
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        mailbox.store.addUsage(alice, index % 2 === 0 ? usage : usage.toReversed(), '2026-11-22'),
      ),
    );
    expect((await mailbox.store.getUsage(alice)).map(({ calls }) => calls)).toEqual([40, 40, 40, 40]);
  });

  it('undoes a transaction whose connection broke, says so, and goes on with the next call', async () => {
    const url = await newDatabase();
    const mailbox = await openMailbox(url);
    const database = new PostgresDatabase(postgresAt(url, {}));
    ends.push(() => database.close());
    const reached = Promise.withResolvers<number>();
    const broken = Promise.withResolvers<void>();
    const writing = database.write(async (tx) => {
      await tx.updateTable('mailboxes').set({ change_sequence: 99 }).execute();
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      reached.resolve(rows[0]?.pid ?? 0);
      await broken.promise;
      await tx.updateTable('mailboxes').set({ change_sequence: 100 }).execute();
    });
    // It breaks between two statements: nobody waits for an answer then.
    await administer(url, `select pg_terminate_backend(${await reached.promise}, 5000)`);
    broken.resolve();
    await expect(writing).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringMatching(/broke off the connection|shutting down/) as string,
    });
    expect((await mailbox.row()).changeSequence).toBe(0);
    await database.write((tx) => tx.updateTable('mailboxes').set({ change_sequence: 7 }).execute());
    expect((await mailbox.row()).changeSequence).toBe(7);
  });

  it('goes on after all its connections were cut while they were idle', async () => {
    const url = await newDatabase();
    const mailbox = await openMailbox(url);
    await Promise.all([1, 2, 3].map(() => mailbox.row()));
    await administer(
      url,
      'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and ' +
        "application_name = 'tidemark'",
    );
    await eventually(30_000, async () => mailbox.save(reading('a')).catch(() => null));
    expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
  });

  it('asks PostgreSQL to end a wait for a lock after 15 seconds and an idle transaction after a minute', async () => {
    const database = new PostgresDatabase(postgresAt(await newDatabase(), {}));
    ends.push(() => database.close());
    const setting = async (name: string) =>
      (await database.read((db) => sql<Record<string, string>>`show ${sql.raw(name)}`.execute(db))).rows[0]?.[name];
    expect(await setting('lock_timeout')).toBe('15s');
    expect(await setting('idle_in_transaction_session_timeout')).toBe('1min');
  });

  it('takes more calls at once than it has connections', async () => {
    const url = await newDatabase();
    const mailbox = await openMailbox(url, 2);
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        index % 2 === 0 ? mailbox.save(reading(`m${index}`)) : mailbox.counts(),
      ),
    );
    expect(await mailbox.counts()).toMatchObject({ stored: 20 });
    const [row] = await administer(
      url,
      'select count(*)::int as open from pg_stat_activity where datname = current_database() and ' +
        "application_name = 'tidemark'",
    );
    expect(row?.['open']).toBeLessThanOrEqual(2);
  });

  it('lets a reader of the mail see no credentials', async () => {
    const url = await newDatabase();
    const { credentials } = await open(url);
    await credentials.put(alice, { keyId: 'k', ciphertext: Buffer.from('sealed'), version: 0 });
    const role = `reader_${process.pid}`;
    await administer(
      url,
      `create role ${role}`,
      `grant usage on schema tidemark to ${role}`,
      `grant select on all tables in schema tidemark to ${role}`,
    );
    ends.push(async () => void (await administer(url, `drop owned by ${role}`, `drop role ${role}`)));
    expect(await administer(url, `set role ${role}`, 'select count(*)::int as n from tidemark.messages')).toEqual([
      { n: 0 },
    ]);
    await expect(
      administer(url, `set role ${role}`, 'select * from tidemark_credentials.credentials'),
    ).rejects.toMatchObject({ code: '42501' });
  });

  it('is unavailable once it is closed', async () => {
    const { store, credentials } = await openStores(databaseAt(await newDatabase()));
    await store.close();
    await store.close();
    for (const call of [store.listMailboxes(), credentials.list()]) {
      await expect(call).rejects.toMatchObject({
        failure: { kind: 'unavailable' },
        message: expect.stringContaining('was closed') as string,
      });
    }
  });
});
