import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { run } from '../../scripts/packed-project.ts';
import { onFreePort } from '../fixtures/host/on-free-port.ts';
import { Printing } from '../fixtures/host/program.ts';
import { Page } from '../fixtures/docs/page.ts';

const blocks = new Page('library.md').blocks();
const linesOf = (language: string): string[] =>
  blocks
    .filter((block) => block.language === language)
    .flatMap(({ code }) => code.split('\n').filter((line) => line.trim() !== ''));

describe('docs/library.md', () => {
  it('has 11 commands and 18 lines of code, as it says', () => {
    expect([linesOf('sh').length, linesOf('ts').length]).toEqual([11, 18]);
    expect(new Page('library.md').text()).toMatch(/^Eleven commands and 18 lines/m);
  });
});

/** What a program that keeps running prints when it is ready, so that the reader goes on. */
const READY: readonly (readonly [command: RegExp, output: RegExp])[] = [
  [/^temporal /, /Server: +\S/],
  [/^npx tidemark simulate /, /The simulator answers at http:\/\/127\.0\.0\.1:(\d+)/],
  [/^node app\.ts/, /^ada@example\.com \{/m],
];

function readyOf(code: string): RegExp {
  const ready = READY.find(([command]) => command.test(code))?.[1];
  if (ready === undefined) throw new Error(`no test knows when this is ready: ${code}`);
  return ready;
}

/** The terminals of a reader who follows the page in an empty folder. */
class Reader {
  /** The product's folder, empty at first. */
  readonly folder: string;
  /** The folder around it, which keeps the environment between commands. */
  readonly #above = mkdtempSync(join(tmpdir(), 'tidemark-tutorial-'));
  readonly #running: Printing[] = [];
  #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
    this.folder = join(this.#above, 'product');
    mkdirSync(this.folder);
  }

  /** Runs commands to their end, in one shell. What they export holds for all that follow. */
  async type(code: string): Promise<void> {
    const environment = join(this.#above, 'environment');
    const script = `${code}\nenv -0 > ${environment}`;
    const ended = await run('sh', ['-e', '-c', script], { cwd: this.folder, env: this.#env });
    expect(ended.code, `${code}${ended.stdout}${ended.stderr}`).toBe(0);
    this.#env = Object.fromEntries(
      readFileSync(environment, 'utf8')
        .split('\0')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }

  /** Sets a variable for all commands that follow. */
  export(name: string, value: string): void {
    this.#env = { ...this.#env, [name]: value };
  }

  /** Starts a program that keeps running, and waits until it prints what matches. */
  async leaveRunning(command: string, ready: RegExp): Promise<RegExpExecArray> {
    const child = spawn('sh', ['-c', `exec ${command}`], { cwd: this.folder, env: this.#env, detached: true });
    this.#running.push(new Printing(child));
    return this.reads(ready);
  }

  /** Waits until the last program that keeps running prints what matches. */
  async reads(pattern: RegExp): Promise<RegExpExecArray> {
    const last = this.#running.at(-1);
    if (last === undefined) throw new Error('no program was left running');
    return last.says(pattern);
  }

  async leave(): Promise<void> {
    for (const { child, ended } of this.#running.toReversed()) {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
      await ended;
    }
    rmSync(this.#above, { recursive: true, force: true });
  }
}

describe('a reader who follows docs/library.md in an empty folder', () => {
  let reader: Reader;
  /** The port of the simulated Gmail, once it runs: the page's 8025 may be taken. */
  let gmailPort = '0';
  beforeAll(async () => {
    reader = new Reader({
      ...process.env,
      PATH: [dirname(process.execPath), dirname(inject('temporalBinary')), process.env['PATH']].join(delimiter),
    });
  });
  afterAll(() => reader.leave());

  /** The page's command, with the port of this test's Gmail. */
  const here = (command: string): string => command.trim().replaceAll('8025', gmailPort);

  async function leaveRunning(code: string): Promise<void> {
    const ready = readyOf(code);
    if (code.startsWith('temporal ')) {
      const port = await onFreePort(async (free) => {
        await reader.leaveRunning(`${here(code)} --headless --port ${free}`, ready);
        return free;
      });
      return reader.export('TEMPORAL_ADDRESS', `127.0.0.1:${port}`);
    }
    const [, port] = await reader.leaveRunning(here(code), ready);
    if (code.startsWith('npx tidemark simulate ')) gmailPort = port ?? '';
  }

  /** The package is packed once, for all tests: here it is copied instead. */
  async function type(code: string): Promise<void> {
    const packing = 'npm pack ../tidemark\n';
    if (code.includes(packing)) copyFileSync(inject('tarball'), join(reader.folder, basename(inject('tarball'))));
    await reader.type(here(code.replace(packing, '')));
  }

  it('gets a handler that prints the first messages, and then a new one', async () => {
    for (const { language, note, code } of blocks) {
      if (language === 'ts') writeFileSync(join(reader.folder, note), code);
      else if (note === '') await type(code);
      else await leaveRunning(code);
    }
    const said = "ada@example.com { subject: 'Fresh fish', from: 'bob@example.com' }";
    expect(new Page('library.md').text()).toContain(`The third terminal says \`${said}\``);
    await reader.reads(new RegExp(`^${said.replaceAll(/[.{}]/g, '\\$&')}$`, 'm'));
  });
});
