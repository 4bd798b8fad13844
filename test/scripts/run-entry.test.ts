import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isAlive } from '../fixtures/host/is-alive.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tidemark-entry-'));
  mkdirSync(join(root, 'node_modules', 'node', 'bin'), { recursive: true });
  symlinkSync(process.execPath, join(root, 'node_modules', 'node', 'bin', 'node'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const module = new URL('../../scripts/run-entry.mjs', import.meta.url).href;
/** Makes this Node behave like an older one, which cannot replace itself by another program. */
const OLDER_NODE = ['--import', 'data:text/javascript,delete process.execve'];

interface Running {
  readonly process: ChildProcess;
  /** The first line that the entry prints. */
  readonly line: string;
}

async function run(code: string, nodeArgs: readonly string[]): Promise<Running> {
  const entry = join(root, 'entry.ts');
  writeFileSync(entry, code);
  const call =
    `const { runEntry } = await import('${module}'); await ` +
    `runEntry(${JSON.stringify({ root, entry, args: ['a', 'b c'] })});`;
  const child = spawn(process.execPath, [...nodeArgs, '--input-type=module', '--eval', call], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { process: child, line: line.toString().trim() };
}

const WAITS = 'console.log(process.pid); setInterval(() => undefined, 1_000);';

describe.each([
  { node: 'this Node', nodeArgs: [] },
  { node: 'an older Node', nodeArgs: OLDER_NODE },
])('an entry that $node runs', ({ nodeArgs }) => {
  it('gets the arguments, and its exit code is passed on', async () => {
    const entry = await run('console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 3;', nodeArgs);
    expect(entry.line).toBe('["a","b c"]');
    expect(await once(entry.process, 'exit')).toEqual([3, null]);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'gets %s once, also where an older Node gets it twice in a moment, and decides how it ends',
    async (signal) => {
      const entry = await run(
        `let times = 0;
       process.on('${signal}', () => { times += 1; setTimeout(() => process.exit(40 + times), 50); });
       ${WAITS}`,
        nodeArgs,
      );
      entry.process.kill(signal);
      if (nodeArgs.length > 0) entry.process.kill(signal);
      expect(await once(entry.process, 'exit')).toEqual([41, null]);
    },
  );

  it('does not outlive the process that ran it', async () => {
    const entry = await run(WAITS, nodeArgs);
    entry.process.kill('SIGKILL');
    await once(entry.process, 'exit');
    await expect.poll(() => isAlive(Number(entry.line))).toBe(false);
  });
});

it('an older Node exits with 128 plus the number of the signal that ended its entry', async () => {
  const entry = await run(WAITS, OLDER_NODE);
  process.kill(Number(entry.line), 'SIGKILL');
  expect(await once(entry.process, 'exit')).toEqual([137, null]);
});
