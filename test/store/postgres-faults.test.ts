import { afterEach, expect, it } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { openStores } from '../../src/store/open-store.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { administer } from '../fixtures/postgres/postgres-server.ts';

const alice = mailboxId('alice@example.com');

describePostgres('a store in PostgreSQL under faults', () => {
  const newDatabase = useDatabases();
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function openMailbox(url: string): Promise<TestMailbox> {
    const { store } = await openStores(databaseAt(url), { migration: 'manual' });
    ends.push(() => store.close());
    const mailbox = new TestMailbox(store, alice);
    await mailbox.put();
    return mailbox;
  }

  const nameOf = (url: string): string => new URL(url).pathname.slice(1);
  /** Settings of a database hold for connections that begin later. */
  const set = (url: string, setting: string): Promise<unknown> =>
    administer(
      url,
      'set default_transaction_read_only = off',
      'set statement_timeout = 0',
      `alter database "${nameOf(url)}" ${setting}`,
      'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname ' +
        '= current_database() and pid <> pg_backend_pid()',
    );
  /** Repeats `work` while it meets a connection that was cut, as the first calls after that may. */
  async function outcome(work: () => Promise<unknown>): Promise<unknown> {
    for (;;) {
      const error: unknown = await work().then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof Error) || !/broke off the connection|shutting down/.test(error.message)) return error;
    }
  }
  const unavailable = (what: RegExp): object => ({
    failure: { kind: 'unavailable' },
    message: expect.stringMatching(what) as string,
  });

  it('that turns read-only, as a demoted primary does, says so, still reads, and goes on once writable', async () => {
    const url = await newDatabase();
    const mailbox = await openMailbox(url);
    await mailbox.sync([reading('a')]);
    await set(url, 'set default_transaction_read_only = on');
    expect(await outcome(() => mailbox.save(reading('b')))).toMatchObject(
      unavailable(/is read-only: a standby, or a primary that was demoted; name the primary in DATABASE_URL\.$/),
    );
    expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
    await set(url, 'reset default_transaction_read_only');
    expect(await outcome(() => mailbox.save(reading('b')))).toBeNull();
    expect(await mailbox.feed()).toEqual(['stored a', 'stored b']);
  });

  it('that cuts statements off undoes what they did, and says so', async () => {
    const url = await newDatabase();
    const mailbox = await openMailbox(url);
    await mailbox.sync([reading('a')]);
    await administer(
      url,
      'create function tidemark.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(5); ' +
        'return new; end $$',
      'create trigger slow before insert on tidemark.messages for each row execute function tidemark.slow()',
    );
    // Databases are used again by later tests.
    ends.push(() => set(url, 'reset statement_timeout'));
    await set(url, "set statement_timeout = '1s'");
    expect(await outcome(() => mailbox.save(reading('b')))).toMatchObject(
      unavailable(/cancelled a query; if that recurs, raise the statement_timeout of this user\.$/),
    );
    await administer(url, 'set statement_timeout = 0', 'drop trigger slow on tidemark.messages');
    expect(await mailbox.feed()).toEqual(['stored a']);
    expect(await mailbox.save(reading('b'))).toMatchObject({ stored: 1 });
    expect((await mailbox.changes()).map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('that has no connection left says how to get one, and goes on when there is one', async () => {
    const url = await newDatabase();
    const role = `limited_${process.pid}`;
    await administer(
      url,
      `create role ${role} login password 'x'`,
      ...['tidemark', 'tidemark_credentials'].flatMap((schema) => [
        `grant usage on schema ${schema} to ${role}`,
        ...['tables', 'sequences'].map((what) => `grant all on all ${what} in schema ${schema} to ${role}`),
      ]),
    );
    ends.push(() => administer(url, `drop owned by ${role}`, `drop role ${role}`));
    const address = new URL(url);
    address.username = role;
    address.password = 'x';
    const mailbox = await openMailbox(address.href);
    // A role's own limit: that of the whole server would hit the other tests.
    await administer(
      url,
      `alter role ${role} connection limit 0`,
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '${role}'`,
    );
    expect(await outcome(() => mailbox.save(reading('a')))).toMatchObject(
      unavailable(/has no connection left; raise max_connections, or lower DATABASE_POOL_SIZE/),
    );
    await administer(url, `alter role ${role} connection limit -1`);
    expect(await outcome(() => mailbox.save(reading('a')))).toBeNull();
    expect(await mailbox.feed()).toEqual(['stored a']);
  });
});
