import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, inject, it } from 'vitest';

import { VERBS } from '../../src/cli/verbs.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { administer } from '../fixtures/postgres/postgres-server.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';

const ADA = 'ada@example.com';

/** The arguments that each verb is run with. A verb that creates a store, or that opens none, is marked as such. */
const ARGUMENTS: Readonly<Record<string, readonly string[] | 'creates' | 'no store'>> = {
  migrate: 'creates',
  worker: 'creates',
  login: 'creates',
  connect: 'creates',
  'connect-domain': 'creates',
  simulate: 'creates',
  doctor: 'no store',
  move: 'no store',
  push: 'no store',
  'codec-server': 'no store',
  'test-webhook': 'no store',
  start: [ADA],
  configure: [ADA, '--format', 'raw'],
  sync: [ADA],
  resync: [ADA],
  pause: [ADA],
  resume: [ADA],
  stop: [ADA],
  rename: [ADA, 'bob@example.com'],
  remove: [ADA, '--yes'],
  status: [ADA],
  failures: [ADA],
  audit: [ADA],
  list: [],
  show: [ADA, '18c2f0a1b2c3d4e5'],
  export: [ADA],
  changes: [ADA],
  subscribe: ['crm', '--url', 'https://example.com/hooks'],
  subscriptions: [],
  deliveries: ['crm'],
  replay: ['crm', '--since', '2026-01-01'],
  unsubscribe: ['crm'],
  'check-bodies': [ADA],
  sweep: [],
  'rotate-key': [],
  'set-current-version': ['build'],
};

const CASES = Object.entries(ARGUMENTS).flatMap(([verb, args]) =>
  typeof args === 'string' ? [] : [[verb, args] as const],
);

describe('verbs that need an existing store', () => {
  const folder = useFolder();

  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    tidemark(
      {
        HOME: folder(),
        TIDEMARK_DATA_DIR: join(folder(), 'data'),
        TEMPORAL_ADDRESS: inject('temporalAddress'),
        ...env,
      },
      ...args,
    );

  it('are in the table of this test, as is every other verb', () => {
    expect(Object.keys(ARGUMENTS).sort()).toEqual(VERBS.map(({ name }) => name).sort());
  });

  it.each(CASES)('%s creates neither a folder nor a file where there is no store', async (verb, args) => {
    const database = join(folder(), 'typo', 'mail.sqlite');
    const { code, stdout, stderr } = await run([verb, ...args], { DATABASE_URL: `sqlite:${database}` });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`tidemark: There is no file ${database}, and so no store to read. Check the path`);
    expect(readdirSync(folder())).toEqual([]);
    const json = await run([verb, ...args, '--json'], { DATABASE_URL: `sqlite:${database}` });
    expect(JSON.parse(json.stderr)).toMatchObject({ code: 'store-unavailable' });
    expect(readdirSync(folder())).toEqual([]);
  });

  it('move creates neither a source nor a target where there is no source', async () => {
    const [from, to] = [join(folder(), 'typo', 'from.sqlite'), join(folder(), 'new', 'to.sqlite')];
    const { code, stderr } = await run(['move', '--from', `sqlite:${from}`, '--to', `sqlite:${to}`]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(`There is no file ${from}`) });
    expect(readdirSync(folder())).toEqual([]);
  });

  it('create no credentials file beside a store', async () => {
    const database = join(folder(), 'kept', 'mail.sqlite');
    const env = { DATABASE_URL: `sqlite:${database}` };
    expect((await run(['migrate'], env)).code).toBe(0);
    const files = readdirSync(join(folder(), 'kept')).filter((name) => name.includes('credentials'));
    expect((await run(['changes', ADA], env)).code).toBe(1);
    expect((await run(['list'], env)).code).toBe(0);
    expect(readdirSync(join(folder(), 'kept')).filter((name) => name.includes('credentials'))).toEqual(files);
    expect(existsSync(join(folder(), 'data'))).toBe(false);
  });
});

describePostgres('verbs that need an existing store, on PostgreSQL', () => {
  const databases = useDatabases();
  it('create no table in a database that holds no store', async () => {
    const database = await databases({ empty: true });
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-nothing-'));
    try {
      const env = {
        HOME: folder,
        TIDEMARK_DATA_DIR: folder,
        TEMPORAL_ADDRESS: inject('temporalAddress'),
        DATABASE_URL: database,
      };
      for (const verb of ['list', 'changes']) {
        const { code, stderr } = await tidemark(env, verb, ...(verb === 'list' ? [] : [ADA]));
        expect({ code, stderr }).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("holds no store of Tidemark's"),
        });
      }
      expect(
        await administer(database, "select nspname from pg_namespace where nspname like 'tidemark%'"),
        'schemas of a store',
      ).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
