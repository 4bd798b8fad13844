// Runs a TypeScript entry with the project's own Node. Plain JavaScript for Node 20.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

import { projectNode } from './install.mjs';

const lifeline = new URL('./lifeline.mjs', import.meta.url);
/**
 * npm passes a signal on that the terminal or a supervisor has sent to the whole group: two within this time are one.
 */
const SAME_SIGNAL = 500;

/**
 * What every program of ours runs with. A worker throws away some hundred megabytes of parsed mail a second; with V8's
 * own choice of a young generation (64 MB and more) that much of it is always resident, at no gain in speed that could
 * be measured (bench/engine.ts).
 */
export const NODE_OPTIONS = ['--max-semi-space-size=4'];

/**
 * glibc gives each of many threads a heap of its own, where freed buffers lie about: two cost 40 MB less. Elsewhere it
 * means nothing.
 */
export const ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

/**
 * Becomes the entry: with a Node that can, this process is replaced by it; otherwise it runs as a child that has the
 * same terminal, gets the signals, dies with this process, and whose exit code becomes this process's own.
 * @param {{ root: string, entry: string, args: readonly string[] }} options
 * @returns {Promise<never>}
 */
export async function runEntry({ root, entry, args }) {
  const node = projectNode(root);
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    return process.execve(
      node,
      [node, ...NODE_OPTIONS, entry, ...args],
      definedOnly({ ...ENVIRONMENT, ...process.env }),
    );
  }
  const child = spawn(node, [...NODE_OPTIONS, '--import', fileURLToPath(lifeline), entry, ...args], {
    env: { ...ENVIRONMENT, ...process.env },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  forwardSignals(child);
  const { code, signal } = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (exitCode, exitSignal) => resolve({ code: exitCode, signal: exitSignal }));
  });
  process.exit(code ?? 128 + constants.signals[/** @type {NodeJS.Signals} */ (signal)]);
}

/**
 * A terminal sends Ctrl-C (SIGINT) and its own closing (SIGHUP) to the whole foreground group, so the child has them
 * already and a second one would look like a person in a hurry. SIGTERM is sent to one process: it is passed on.
 * @param {import('node:child_process').ChildProcess} child
 */
function forwardSignals(child) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGHUP', 'SIGTERM'])) {
    let last = -Infinity;
    process.on(signal, () => {
      const now = performance.now();
      if (now - last < SAME_SIGNAL) return;
      last = now;
      const fromTerminal = process.stdin.isTTY && signal !== 'SIGTERM';
      if (!fromTerminal) child.kill(signal);
    });
  }
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Record<string, string>}
 */
function definedOnly(env) {
  /** @type {Record<string, string>} */
  const defined = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}
