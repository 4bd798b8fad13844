import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tidemark-setup-'));
  cpSync(join(repository, 'scripts'), join(root, 'scripts'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  lock('1.0.0');
  writeFileSync(
    join(root, 'entry.ts'),
    "const said: string = 'entry ran';\nconsole.log(said, ...process.argv.slice(2));\n",
  );
  npmDoes(INSTALLS);
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const lock = (version: string): void =>
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({
      packages: { '': {}, 'node_modules/a': { version }, 'node_modules/b': { version: '1.0.0', optional: true } },
    }),
  );

/** Writes the script that stands in for npm. Its arguments go to the file `calls`. */
function npmDoes(code: string): void {
  writeFileSync(
    join(root, 'npm-cli.js'),
    `import { appendFileSync, mkdirSync, symlinkSync, rmSync, writeFileSync } from 'node:fs';
     import { setTimeout as sleep } from 'node:timers/promises';
     appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n');
     ${code}`,
  );
}

const INSTALLS = `
  rmSync('node_modules', { recursive: true, force: true });
  mkdirSync('node_modules/node/bin', { recursive: true });
  await sleep(100);
  symlinkSync(process.execPath, 'node_modules/node/bin/node');`;

const fails = (output: string): string => `process.stderr.write(${JSON.stringify(output)}); process.exitCode = 1;`;

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [join(root, 'scripts', 'setup.mjs'), 'entry.ts', ...args], {
    cwd: tmpdir(),
    env: { ...process.env, npm_execpath: join(root, 'npm-cli.js'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function setUp(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = start(args, env);
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

const npmCalls = (): string[] =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : [];

describe('the set-up', () => {
  it('installs what is missing, shows a line for each step, and runs the entry', async () => {
    const { code, out, err } = await setUp(['--once', 'two words']);
    expect({ code, out }).toEqual({ code: 0, out: 'entry ran --once two words\n' });
    expect(err).toMatch(/^set-up: installing dependencies and Node 24.*\nset-up: dependencies installed \(\d+ s\)\n$/);
    expect(npmCalls()).toEqual([expect.stringMatching(/^ci --include=dev /)]);
  });

  it('prints nothing and does not run npm when everything is installed', async () => {
    await setUp();
    expect(await setUp()).toEqual({ code: 0, out: 'entry ran\n', err: '' });
    expect(npmCalls()).toHaveLength(1);
  });

  it('installs again when the lock has changed', async () => {
    await setUp();
    lock('1.0.1');
    expect((await setUp()).err).toContain('dependencies installed');
    expect(npmCalls()).toHaveLength(2);
  });

  it('accepts what someone installed by hand, until the lock changes', async () => {
    mkdirSync(join(root, 'node_modules', 'node', 'bin'), { recursive: true });
    symlinkSync(process.execPath, join(root, 'node_modules', 'node', 'bin', 'node'));
    writeFileSync(
      join(root, 'node_modules', '.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }),
    );
    expect(await setUp()).toEqual({ code: 0, out: 'entry ran\n', err: '' });
    lock('1.0.1');
    expect((await setUp()).err).toContain('dependencies installed');
  });

  it('installs again after an installation that was killed', async () => {
    npmDoes("mkdirSync('node_modules/node/bin', { recursive: true }); await sleep(3_000);");
    const child = start();
    await expect.poll(npmCalls).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'close');
    npmDoes(INSTALLS);
    expect(await setUp()).toMatchObject({ code: 0, out: 'entry ran\n' });
  });

  it('stops npm when it is stopped, and says how to go on', async () => {
    npmDoes('await sleep(60_000);');
    const child = start();
    let err = '';
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    await expect.poll(npmCalls).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(err).toContain('The installation was interrupted: run the command again');
  });

  it('runs npm once for several processes that start at the same moment', async () => {
    const outcomes = await Promise.all([setUp(), setUp(), setUp()]);
    expect(outcomes.map(({ code, out }) => [code, out])).toEqual(Array.from({ length: 3 }, () => [0, 'entry ran\n']));
    expect(npmCalls()).toHaveLength(1);
    expect(existsSync(join(root, '.tidemark', 'setup.lock'))).toBe(false);
  });
});

describe('a set-up that cannot go on', () => {
  it.each([
    ['npm error code ENOTFOUND\nnpm error request failed', 'The package registry cannot be reached'],
    ['npm error code EAI_AGAIN', 'The package registry cannot be reached'],
    ['npm error code ENOSPC', 'The disk is full'],
    ['npm error code EACCES', 'There is no permission to write in'],
    ['npm error code E404', 'The package registry refused a package'],
    ['npm error code SELF_SIGNED_CERT_IN_CHAIN', "The package registry's certificate is not trusted here"],
    ['npm error something else', 'The dependencies could not be installed: what npm said is above.'],
  ])('shows what npm printed and then one sentence: %s', async (output, sentence) => {
    npmDoes(fails(output));
    const { code, out, err } = await setUp();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    const lines = err.trimEnd().split('\n');
    expect(err).toContain(output);
    expect(lines.at(-1)).toMatch(/^set-up: /);
    expect(lines.at(-1)).toContain(sentence);
    npmDoes(INSTALLS);
    expect((await setUp()).code).toBe(0);
  });

  it('says that there is no npm', async () => {
    const { code, err } = await setUp([], { npm_execpath: '', PATH: '/nowhere' });
    expect(code).toBe(1);
    expect(err).toContain('npm could not be run');
  });

  it('says in one line which folder it cannot write to', async () => {
    writeFileSync(join(root, '.tidemark'), 'a file where a directory belongs');
    const { code, err } = await setUp();
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).toContain('.tidemark');
  });
});
