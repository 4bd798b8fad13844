#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

import { systemClock } from '../host/system-clock.ts';
import { runCli } from './run.ts';

// Node keeps compiled code beside the packages, which saves a third of a verb's start. Where the folder cannot be
// written, Node does without. In a checkout, scripts/run-entry.mjs has already set this up.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/tidemark'));

// A reader that closes its end early (`tidemark export … | head`) is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

const interrupted = new AbortController();
// The worker has its own handler, which drains it. A second Ctrl-C ends any verb at once.
process.once('SIGINT', () => {
  interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', () => process.exit(130));
});
process.once('SIGTERM', () => interrupted.abort(new Error('terminated')));

const { env, stdin, stdout, stderr } = process;
const exitCode = await runCli(process.argv.slice(2), {
  env,
  stdin,
  stdout,
  stderr,
  clock: systemClock,
  signal: interrupted.signal,
});
// A worker of Temporal's that failed and never ends would keep the process alive.
if (process.argv[2] === 'worker') process.exit(exitCode);
process.exitCode = exitCode;
