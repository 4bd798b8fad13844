import { afterEach, expect, it } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { migrateStores, openStores } from '../../src/store/open-store.ts';
import type { Stores } from '../../src/store/stores.ts';
import { Program } from '../fixtures/host/program.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { administer } from '../fixtures/postgres/postgres-server.ts';

const PROCESSES = 5;
const AT_ONCE = 8;

describePostgres('the schema in PostgreSQL', () => {
  const newDatabase = useDatabases();
  const opened: Stores[] = [];
  const programs: Program[] = [];
  afterEach(async () => {
    for (const { store } of opened.splice(0)) await store.close();
    for (const program of programs.splice(0)) await program.end('SIGKILL');
  });

  const executed = async (url: string) =>
    (await administer(url, 'select name from tidemark.kysely_migration order by name')).map((row) => row['name']);

  it('is migrated once by many processes that start together, and each of them succeeds', async () => {
    const url = await newDatabase({ empty: true });
    const started = Array.from(
      { length: PROCESSES },
      () => new Program('cli/main.ts', ['migrate', '--json'], { DATABASE_URL: url }),
    );
    programs.push(...started);
    const ended = await Promise.all(started.map((program) => program.ended));
    expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(ended.map(() => ({ code: 0, stderr: '' })));
    const applied = ended.map(({ stdout }) => (JSON.parse(stdout) as { applied: string[] }).applied);
    expect(applied.flat().toSorted()).toEqual(await executed(url));
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
  });

  it('is migrated once, with that of the credentials, when many open it at the same instant', async () => {
    for (let round = 0; round < 3; round += 1) {
      const url = await newDatabase({ empty: true });
      const stores = await Promise.all(
        Array.from({ length: AT_ONCE }, () => openStores(databaseAt(url, { poolSize: 2 }))),
      );
      opened.push(...stores);
      const names = await executed(url);
      expect(names).toEqual([...new Set(names)]);
      expect(await Promise.all(stores.map(({ credentials }) => credentials.list()))).toEqual(stores.map(() => []));
    }
  });

  it('names the migrations that ran, and an empty list the second time', async () => {
    const url = await newDatabase({ empty: true });
    const { applied, name } = await migrateStores(databaseAt(url));
    expect(applied).toEqual(await executed(url));
    expect(name).toMatch(/^PostgreSQL database "tidemark_test_\d+_\d+" at 127\.0\.0\.1:\d+$/);
    expect((await migrateStores(databaseAt(url))).applied).toEqual([]);
  });

  it('is refused when a newer program has migrated it, and stays as it is', async () => {
    const url = await newDatabase({ empty: true });
    await migrateStores(databaseAt(url));
    await administer(url, "insert into tidemark.kysely_migration values ('9999-later', '2030-01-01')");
    const before = await executed(url);
    for (const open of [
      () => openStores(databaseAt(url)),
      () => openStores(databaseAt(url), { migration: 'manual' }),
      () => migrateStores(databaseAt(url)),
    ]) {
      await expect(open()).rejects.toMatchObject({
        failure: { kind: 'newer-schema' },
        message: expect.stringMatching(
          /^The PostgreSQL database .*newer Tidemark \(schema 9999-later\)\. Run that version/,
        ) as string,
      });
    }
    expect(await executed(url)).toEqual(before);
  });

  it('is not changed where only `tidemark migrate` may change it', async () => {
    const url = await newDatabase({ empty: true });
    const open = () => openStores(databaseAt(url), { migration: 'manual' });
    await expect(open()).rejects.toMatchObject({
      failure: { kind: 'older-schema' },
      remedy: { kind: 'migrate' },
    });
    expect(
      await administer(url, "select schema_name from information_schema.schemata where schema_name like 'tidemark%'"),
    ).toEqual([]);
    await migrateStores(databaseAt(url));
    await administer(url, "delete from tidemark.kysely_migration where name = '0002-audit'");
    await expect(open()).rejects.toThrow(/lacks 0002-audit of the schema/);
    await administer(url, "insert into tidemark.kysely_migration values ('0002-audit', '')");
    opened.push(await open());
  });

  it("does not touch an application's own tables of the same names", async () => {
    const url = await newDatabase({ empty: true });
    await administer(
      url,
      'create table messages (text text)',
      'create table kysely_migration (name text)',
      "insert into messages values ('mine')",
    );
    opened.push(await openStores(databaseAt(url)));
    expect(await administer(url, 'select * from public.messages')).toEqual([{ text: 'mine' }]);
    expect(await administer(url, 'select * from public.kysely_migration')).toEqual([]);
  });

  it('compares all text by code point, whatever language the database speaks', async () => {
    const url = await newDatabase();
    const others = await administer(
      url,
      `select table_name, column_name from information_schema.columns
       where table_schema like 'tidemark%' and table_name not like 'kysely%'
         and data_type in ('text', 'character varying') and collation_name is distinct from 'C'`,
    );
    // A migration that adds such a column writes dialect.textType, not 'text'.
    expect(others).toEqual([]);
  });
});
