// npm run example -- NAME: runs an example and what it needs (a Temporal server, a simulated Gmail with mailboxes, a
// database), which is removed afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Around, Undo } from './example-surroundings.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Example {
  /** Arguments of Node, which runs in the examples' folder. */
  readonly program: readonly string[];
  /** What it needs. */
  readonly around: Around | 'nothing';
}

const EXAMPLES: Readonly<Record<string, Example>> = {
  'new-mail-page': { program: ['new-mail-page/main.ts'], around: 'connected' },
  'own-tables': { program: ['own-tables/main.ts'], around: 'connected, in PostgreSQL' },
  'customer-consent': { program: ['customer-consent/main.ts'], around: 'not connected' },
  'webhook-receiver': { program: ['webhook-receiver/main.ts'], around: 'nothing' },
  'test-your-code': { program: ['--test', 'test-your-code/archive-newsletters.test.ts'], around: 'nothing' },
};

/** Undone in the opposite order. */
const undo: Undo = [];

/** @returns the environment of an example. What needs nothing loads nothing. */
async function surroundings({ around }: Example): Promise<NodeJS.ProcessEnv> {
  if (around === 'nothing') return {};
  const { startAround } = await import('./example-surroundings.ts');
  return startAround(around, undo);
}

/** Runs the example until it ends, or is ended by Ctrl-C. @returns its exit code */
async function run({ program }: Example, env: NodeJS.ProcessEnv): Promise<number> {
  const imports = ['--import', join(root, 'scripts/from-source.mjs'), '--import', join(root, 'scripts/lifeline.mjs')];
  const child = spawn(process.execPath, [...imports, ...program], {
    cwd: join(root, 'examples'),
    env: { ...process.env, ...env },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A terminal sends SIGINT to the example as well: this process only waits for its end.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

const name = process.argv[2] ?? '';
const example = EXAMPLES[name];
if (example === undefined) {
  console.error(`Usage: npm run example -- NAME, where NAME is one of ${Object.keys(EXAMPLES).join(', ')}`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await run(example, await surroundings(example));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
  for (const step of undo.toReversed()) await step();
}
