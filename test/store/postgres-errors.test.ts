import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Secret } from '../../src/model/secret.ts';
import { postgresAt, type PostgresAccess } from '../../src/model/database-location.ts';
import { PostgresDatabase } from '../../src/store/engines/postgres-database.ts';
import { StoreError } from '../../src/store/engines/store-error.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { administer } from '../fixtures/postgres/postgres-server.ts';

const PASSWORD = 'correct horse';

describePostgres('errors of PostgreSQL', () => {
  const newDatabase = useDatabases();
  const opened: PostgresDatabase[] = [];
  const roles: { url: string; role: string }[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-postgres-errors-'));
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
    for (const { url, role } of roles.splice(0)) await administer(url, `drop owned by ${role}`, `drop role ${role}`);
    rmSync(folder, { recursive: true });
  });

  /** What a query returns, or the error that it ends with. */
  async function asked(
    url: string,
    { password = null, ...access }: Partial<PostgresAccess> & { readonly password?: string | null } = {},
    text = 'select 1',
  ): Promise<unknown> {
    const database = new PostgresDatabase({
      ...postgresAt(url, access),
      password: password === null ? null : new Secret(password),
    });
    opened.push(database);
    try {
      return await database.read((db) => sql.raw(text).execute(db));
    } catch (error) {
      return error;
    }
  }

  function expectUnavailable(error: unknown, reason: string | RegExp): void {
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ failure: { kind: 'unavailable' }, message: expect.stringMatching(reason) as string });
    expect(String(error)).not.toContain(PASSWORD);
    expect(String(error)).not.toContain('wrong');
  }

  /** Creates a user that needs a password. @returns its address, without the password */
  async function newUser(url: string, options = ''): Promise<string> {
    const role = `mail_${process.pid}_${roles.length}`;
    await administer(url, `create role ${role} login password '${PASSWORD}' ${options}`);
    roles.push({ url, role });
    const address = new URL(url);
    address.username = role;
    return address.href;
  }

  it('say which password is wrong or missing, and show no password', async () => {
    const user = await newUser(await newDatabase());
    expectUnavailable(
      await asked(user, { password: 'wrong' }),
      /refuses the password; check DATABASE_URL, or the file that DATABASE_PASSWORD_FILE names\.$/,
    );
    expectUnavailable(await asked(user), /asks for a password; put it into DATABASE_URL/);
    expect(await asked(user, { password: PASSWORD })).toMatchObject({ rows: [{}] });
  });

  it('end once the password file holds the right password, because it is read for each connection', async () => {
    const user = await newUser(await newDatabase());
    const passwordFile = join(folder, 'password');
    expectUnavailable(await asked(user, { passwordFile }), /DATABASE_PASSWORD_FILE names cannot be read/);
    writeFileSync(passwordFile, 'wrong\n');
    expectUnavailable(await asked(user, { passwordFile }), /refuses the password/);
    writeFileSync(passwordFile, `${PASSWORD}\n`);
    const database = opened.at(-1);
    expect(await database?.read((db) => sql<{ one: number }>`select 1 as one`.execute(db))).toMatchObject({
      rows: [{ one: 1 }],
    });
  });

  it('say that the database is missing, that nothing listens, that there is no such host', async () => {
    const url = new URL(await newDatabase());
    url.pathname = '/elsewhere';
    expectUnavailable(await asked(url.href), /database "elsewhere" at 127\.0\.0\.1:\d+ does not exist; create it/);
    url.port = '1';
    expectUnavailable(await asked(url.href), /is not there: nothing listens at that address/);
    url.hostname = 'no-such-host.invalid';
    expectUnavailable(await asked(url.href), /cannot be found/);
    url.searchParams.set('host', folder);
    expectUnavailable(await asked(url.href), /a socket or a file that was named is not there/);
  });

  it('say that all connections are taken, or that a user may not do what is needed', async () => {
    const url = await newDatabase();
    expectUnavailable(
      await asked(await newUser(url, 'connection limit 0'), { password: PASSWORD }),
      /has no connection left; raise max_connections, or lower DATABASE_POOL_SIZE/,
    );
    expectUnavailable(
      await asked(await newUser(url), { password: PASSWORD }, 'select * from tidemark.messages'),
      /does not allow this user what Tidemark needs/,
    );
  });

  it('say that the other end speaks no TLS, or is no PostgreSQL at all', async () => {
    const url = await newDatabase();
    expectUnavailable(
      await asked(`${url}?sslmode=require`),
      /does not offer encryption; turn it on at the server, or use sslmode=disable/,
    );
    const silent = createServer((socket) => socket.destroy());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    expectUnavailable(await asked(`postgres://mail@127.0.0.1:${port}/mail`), /broke off the connection/);
    silent.close();
  });

  it.for([
    ['53100', /the disk is full; make room/],
    ['53200', /out of memory/],
    ['53400', /has run out of something/],
    ['25006', /is read-only: a standby/],
    ['55P03', /locked by another writer/],
    ['57014', /cancelled a query/],
    ['57P03', /shutting down or starting up/],
    ['58030', /the server's disk/],
    ['XX001', /is damaged/],
    ['42P01', /lacks a table of Tidemark's; restore it, or migrate the database/],
  ] as const)('mean unavailable, and say what to do: SQLSTATE %s', async ([state, reason]) => {
    const error = await asked(
      await newDatabase(),
      {},
      `do $$ begin raise exception 'x' using errcode = '${state}'; end $$`,
    );
    expectUnavailable(error, reason);
    expect(error).toMatchObject({ cause: { code: state } });
  });

  it('mean lost when a mailbox was removed under a writer', async () => {
    const error = await asked(await newDatabase(), {}, "insert into tidemark.ledgers values (4711, '')");
    expect(error).toMatchObject({ name: 'StoreError', failure: { kind: 'lost' } });
  });

  it('come back as they are when they are mistakes of the program', async () => {
    const error = await asked(await newDatabase(), {}, 'select from from');
    expect(error).not.toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: '42601' });
  });

  it('name the files of certificates that cannot be used', async () => {
    const url = await newDatabase();
    expect(() => new PostgresDatabase(postgresAt(url, { caFile: join(folder, 'missing.pem') }))).toThrow(
      /Check DATABASE_CA_FILE/,
    );
    expect(() => new PostgresDatabase(postgresAt(`${url}?sslmode=verify-ca`, {}))).toThrow(/verify-ca/);
  });
});
