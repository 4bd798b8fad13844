import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { OPTIONAL_PACKAGES } from '../../src/host/optional-packages.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { Project, root, run, type Finished } from '../../scripts/packed-project.ts';

/** The oldest releases that `engines` allows; this process's own Node is the newest. */
const OLD_NODES = ['22.19.0', '24.2.0'];
const STRICT = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    types: ['node'],
    rootDir: '.',
    outDir: 'built',
  },
  include: ['*.ts'],
};

let folder: string;
let tarball: string;
let product: Project;
let compiled: Finished;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-package-'));
  tarball = inject('tarball');
  product = new Project(join(folder, 'product'));
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
  await product.install(tarball, ...tools);
  for (const file of ['test/package/application.ts', 'examples/read-changes.ts'])
    product.write(file.slice(file.lastIndexOf('/') + 1), readFileSync(join(root, file), 'utf8'));
  product.write('tsconfig.json', JSON.stringify(STRICT));
  compiled = await product.bin('tsc', ['-p', '.']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the application to its end, with a mailbox and a database of its own. */
const application = (name: string, node = process.execPath): Promise<Finished> =>
  product.node(
    ['built/application.js', `ada-${process.pid}-${name}@package.example`, `sqlite:${join(folder, `${name}.sqlite`)}`],
    { node, env: temporal() },
  );
const temporal = (): NodeJS.ProcessEnv => ({ TEMPORAL_ADDRESS: inject('temporalAddress') });

describe('the tarball', () => {
  it('holds what was built, and no TypeScript source but the examples', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball], { cwd: folder });
    const files = stdout.trim().split('\n');
    expect(files).toContain('package/dist/index.js');
    expect(files).toContain('package/dist/workflow-bundle.js');
    expect(files).toContain('package/docs/reference/tidemark.md');
    // Examples are there to be read and copied; nothing imports them.
    const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
    expect(sources.filter((file) => !file.startsWith('package/examples/'))).toEqual([]);
    expect(files.filter((file) => /^package\/(test|src|bench|scripts|node_modules)\//.test(file))).toEqual([]);
  });

  it('passes publint', async () => {
    const publint = join(root, 'node_modules', '.bin', 'publint');
    const { code, stdout } = await run(publint, ['run', tarball, '--strict'], { cwd: folder });
    expect(stdout).toContain('All good!');
    expect(code).toBe(0);
  });

  it('has types that attw accepts for ES modules', async () => {
    const attw = join(root, 'node_modules', '.bin', 'attw');
    const { code, stdout } = await run(
      attw,
      [tarball, '--profile', 'esm-only', '--no-definitely-typed', '--no-emoji'],
      {
        cwd: folder,
      },
    );
    expect(code, stdout).toBe(0);
  });
});

describe('a project that has installed the package', () => {
  it('type-checks strictly, with the declarations of all packages', () => {
    expect(compiled).toMatchObject({ code: 0, stdout: '' });
  });

  it.each([{ release: process.versions.node }, ...OLD_NODES.map((release) => ({ release }))])(
    'runs a worker, the client and a reader under Node $release',
    async ({ release }) => {
      const ended = await application(release, await nodeOf(release));
      expect(ended.code, ended.stderr).toBe(0);
      // 30 generated messages, some of them in spam or trash.
      expect(ended.stdout).toMatch(/^worker runs after \d+ ms\nphase live\nchanges (\d+)\nsubjects \1$/m);
    },
  );

  it('has a command line that prints its version, and needs no checkout', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
    expect(await product.bin('tidemark', ['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect((await product.bin('tidemark', ['--help'])).stdout).toMatch(/^Usage: tidemark/);
  });

  it('needs no bundler to run a worker', async () => {
    // Without this package, the SDK's bundler fails.
    rmSync(product.module('swc-loader'), { recursive: true });
    const ended = await application('no-bundler');
    expect(ended.code, ended.stderr).toBe(0);
  });

  it('loads no worker, no Google client and no database driver when it imports the client', async () => {
    const modules = await modulesOf('tidemark');
    const packages = packagesIn(modules);
    expect(packages).toContain('@temporalio/client');
    for (const name of ['@temporalio/worker', 'googleapis', 'undici', 'kysely', 'pg', 'pino'])
      expect(packages, name).not.toContain(name);
    expect(modules.filter((url) => url.endsWith('/kysely.js'))).toEqual([]);
  });

  it('loads nothing of Temporal, nor googleapis or pg, when it imports the reader', async () => {
    const modules = await modulesOf('tidemark/reader');
    const packages = packagesIn(modules);
    expect(packages.filter((name) => name.startsWith('@temporalio') || name === 'googleapis' || name === 'pg')).toEqual(
      [],
    );
    // Tidemark's own file, made of kysely's.
    expect(modules.filter((url) => url.endsWith('/tidemark/dist/packages/kysely.js'))).toHaveLength(1);
    expect(packages).not.toContain('kysely');
    const built = readdirSync(product.module('tidemark', 'dist', 'packages')).filter((file) => file.endsWith('.js'));
    expect(built).toEqual(expect.arrayContaining(['kysely.js', 'kysely-migration.js', 'zod.js']));
  });
});

const MISSING = [
  { feature: 'postgres', args: ['migrate'], env: { DATABASE_URL: 'postgres://mail@127.0.0.1:1/mail' } },
  { feature: 'bucket', args: ['check-bodies', 'ada@example.com'], env: { BODIES_URL: 's3://bucket' } },
  { feature: 'pull', args: ['push', '--pull'], env: { PUSH_SUBSCRIPTION: 'projects/p/subscriptions/s' } },
  { feature: 'traces', args: ['worker'], env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } },
] as const;

describe('a package that only some installations need', () => {
  // A verb that reads refuses a folder without a store before it looks for bodies.
  beforeAll(async () => {
    const { code, stderr } = await product.bin('tidemark', ['migrate'], { env: { TIDEMARK_DATA_DIR: folder } });
    expect(code, stderr).toBe(0);
  });

  it.each(MISSING)('is named with the command that installs it: $feature', async ({ feature, args, env }) => {
    const { what, packages } = OPTIONAL_PACKAGES[feature];
    const ended = await product.bin('tidemark', args, { env: { TIDEMARK_DATA_DIR: folder, ...temporal(), ...env } });
    const needs = packages.length === 1 ? 'a package that is' : 'packages that are';
    expect(ended).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `tidemark: ${what} needs ${needs} not installed, or only in another version. ` +
        `Run: npm install ${packages.join(' ')}\n`,
    });
  });

  describePostgres('once it is installed as the message says', () => {
    const newDatabase = useDatabases();
    it('is found', async () => {
      await product.install(...MISSING.flatMap(({ feature }) => OPTIONAL_PACKAGES[feature].packages));
      const migrated = await product.bin('tidemark', ['migrate'], {
        env: { DATABASE_URL: await newDatabase({ empty: true }) },
      });
      expect(migrated.code, migrated.stderr).toBe(0);
      for (const { args, env } of MISSING.slice(1, 3)) {
        const ended = await product.bin('tidemark', args, {
          env: { TIDEMARK_DATA_DIR: folder, ...temporal(), ...env },
        });
        expect(ended.stderr).not.toMatch(/npm install/);
      }
      // A worker would run on: another verb that is traced ends.
      const traced = await product.bin('tidemark', ['list'], {
        env: { TIDEMARK_DATA_DIR: folder, ...temporal(), ...MISSING[3].env },
      });
      expect(traced.code, traced.stderr).toBe(0);
    });
  });
});

/** The path of a release of Node, installed from the registry. */
async function nodeOf(release: string): Promise<string> {
  if (release === process.versions.node) return process.execPath;
  const project = new Project(join(folder, `node-${release}`));
  await project.install(`node@${release}`);
  return project.module('node', 'bin', 'node');
}

/** The URLs of the modules that an import loads. */
async function modulesOf(specifier: string): Promise<readonly string[]> {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    await import(${JSON.stringify(specifier)});
    process.stdout.write(JSON.stringify(loaded), () => process.exit());
  `;
  const { stdout } = await product.node(['--input-type=module', '--eval', program]);
  return JSON.parse(stdout) as string[];
}

const packagesIn = (urls: readonly string[]): readonly string[] => [
  ...new Set(urls.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url)?.[1] ?? [])),
];
