#!/usr/bin/env node
import { systemClock } from '../host/system-clock.ts';
import { runCli } from './run.ts';

// A reader that had enough (`tidemark export … | head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

const interrupted = new AbortController();
// The worker listens for itself, and drains; a second Ctrl-C ends any verb at once.
process.once('SIGINT', () => {
  interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', () => process.exit(130));
});
process.once('SIGTERM', () => interrupted.abort(new Error('terminated')));

const { env, stdout, stderr } = process;
process.exitCode = await runCli(process.argv.slice(2), { env, stdout, stderr, clock: systemClock, signal: interrupted.signal });
