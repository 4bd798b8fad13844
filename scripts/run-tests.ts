// npm test [-- vitest arguments]: types, lint, dead code and format, then the tests; one line of figures at the end.
// npm run check: without the tests. npm run test:schedules: many random schedules. npm run test:package: the
// package as others install it. npm run test:production: what docker-compose.yml describes, from end to end. .ci/run:
// all of it.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { slowest } from './slow-tests.ts';
import { countOutcomes, type Counts, summary } from './test-counts.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
/** The tools' scripts begin with `env node`. With this PATH, that is the project's Node 24. */
const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
// When CI is set, vitest colours its output even in a file.
if (!process.stdout.isTTY && env['FORCE_COLOR'] === undefined) env['NO_COLOR'] = '1';

/** What a check remembers of files that have not changed since: it compares their content. */
const known = (file: string): string => join('.tidemark', 'checks', file);

const TYPES_CACHE = ['--incremental', '--tsBuildInfoFile', known('types.tsbuildinfo')];
const FORMAT_CACHE = ['--cache', '--cache-strategy', 'content', '--cache-location', known('format.json')];

const CHECKS = [
  { name: 'types', command: ['tsc', '--noEmit', '--singleThreaded', ...TYPES_CACHE] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'dead code', command: ['knip', '--no-progress'] },
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', ...FORMAT_CACHE, '.'] },
] as const;

const running = new Set<ChildProcess>();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    for (const child of running) child.kill(signal);
  });
}

interface Finished {
  readonly code: number;
  readonly output: string;
}

function run(command: readonly string[], stdio: 'inherit' | 'pipe'): Promise<Finished> {
  const [tool = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(join(bin, tool), args, {
      cwd: root,
      env,
      stdio: ['ignore', stdio, stdio],
      shell: process.platform === 'win32',
    });
    running.add(child);
    const output: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
    const finish = (code: number, text: string) => {
      running.delete(child);
      resolve({ code, output: text });
    };
    child.on('error', (error) => finish(1, `${tool} could not be run: ${error.message}\n`));
    child.on('close', (code) => finish(code ?? 1, Buffer.concat(output).toString()));
  });
}

async function runChecks(): Promise<Counts> {
  const outcomes = await Promise.all(
    CHECKS.map(async ({ name, command }) => {
      const began = performance.now();
      const { code, output } = await run(command, 'pipe');
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${code === 0 ? ' ✓' : ' ✗'} ${name} (${command.join(' ')}) ${seconds} s`);
      if (code !== 0) console.log(output);
      return code === 0;
    }),
  );
  const passed = outcomes.filter(Boolean).length;
  return { passed, failed: outcomes.length - passed, skipped: 0 };
}

/** How many slow test files are listed at the end. */
const SLOW = 15;

async function runVitest(args: readonly string[]): Promise<Counts> {
  const scratch = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
  const report = join(scratch, 'report.json');
  try {
    const { code } = await run(
      ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
      'inherit',
    );
    const text = existsSync(report) ? readFileSync(report, 'utf8') : null;
    if (text !== null && args.length === 0)
      console.log(`The slowest test files:\n${slowest(text, { root, count: SLOW }).join('\n')}\n`);
    return countOutcomes(text, code);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

type Part = 'checks' | 'tests' | 'schedules' | 'package' | 'production';

/** Which parts run, in their order. */
const MODES: ReadonlyMap<string | undefined, readonly Part[]> = new Map([
  ['--checks-only', ['checks']],
  ['--schedules-only', ['schedules']],
  ['--package-only', ['package']],
  ['--production-only', ['production']],
  ['--everything', ['checks', 'tests', 'schedules', 'package', 'production']],
]);

function runPart(part: Part, vitestArgs: readonly string[]): Promise<Counts> {
  switch (part) {
    case 'checks':
      return runChecks();
    case 'tests':
      return runVitest(vitestArgs);
    case 'schedules':
    case 'package':
    case 'production':
      return runVitest(['--config', `vitest.${part}.config.ts`, ...vitestArgs]);
    default:
      return part satisfies never;
  }
}

const given = process.argv.slice(2);
const chosen = MODES.get(given[0]);
const parts: Counts[] = [];
for (const part of chosen ?? (['checks', 'tests'] as const)) {
  if (!interrupted) parts.push(await runPart(part, chosen === undefined ? given : given.slice(1)));
}
if (interrupted) parts.push({ passed: 0, failed: 1, skipped: 0 });

const line = summary(parts);
console.log(line.text);
process.exitCode = line.failed === 0 ? 0 : 1;
