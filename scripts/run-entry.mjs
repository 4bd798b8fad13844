// Runs a TypeScript entry with the project's own Node. Plain JavaScript for Node 20.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { projectNode } from './install.mjs';

const lifeline = new URL('./lifeline.mjs', import.meta.url);
/**
 * Milliseconds within which two signals count as one: npm forwards signals that the terminal or a supervisor has
 * already sent to the whole group.
 */
const SAME_SIGNAL = 500;

/**
 * Node options for all our programs. A worker discards some hundred megabytes of parsed mail a second. V8's default
 * young generation (64 MB and more) would always stay resident, with no measurable gain in speed (bench/engine.ts).
 */
export const NODE_OPTIONS = ['--max-semi-space-size=4'];

/**
 * glibc gives many threads their own heaps, in which freed buffers stay. A limit of two heaps saves 40 MB. Other C
 * libraries ignore the variable.
 */
export const ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

/**
 * Compiled code is kept beside the packages: a program then starts without the part of Node that strips types, which
 * takes 20 MB. Where the folder cannot be written Node does without it.
 * @param {string} root
 */
const compileCache = (root) => ({ NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'tidemark') });

/**
 * Runs the entry. A Node with `process.execve` replaces this process by the entry. Otherwise the entry runs as a child,
 * which has the same terminal, receives the signals and dies with this process. This process then exits with its code.
 * @param {{ root: string, entry: string, args: readonly string[] }} options
 * @returns {Promise<never>}
 */
export async function runEntry({ root, entry, args }) {
  const node = projectNode(root);
  const env = { ...ENVIRONMENT, ...compileCache(root), ...process.env };
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    return process.execve(node, [node, ...NODE_OPTIONS, entry, ...args], definedOnly(env));
  }
  const child = spawn(node, [...NODE_OPTIONS, '--import', fileURLToPath(lifeline), entry, ...args], {
    env,
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
 * A terminal sends SIGINT (Ctrl-C) and SIGHUP (when it closes) to the whole foreground group. The child has received
 * them already, and a second signal would look like an impatient person. SIGTERM is sent to one process, so it is
 * forwarded.
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
