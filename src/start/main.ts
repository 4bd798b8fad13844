import { Command, CommanderError } from 'commander';

import { parseCountFromZero, parsePort } from '../cli/arguments.ts';
import { Output } from '../cli/output.ts';
import { commanderOutput } from '../cli/commander-output.ts';
import { loadConfig } from '../config/config.ts';
import { claim } from './claim.ts';
import type { StartContext, StartOptions } from './start-context.ts';
import { systemClock } from '../host/system-clock.ts';

const { env, stdout, stderr } = process;
const out = new Output({ stdout, stderr, json: false });
const say = (...lines: readonly string[]): void => out.say(...lines);
const interrupted = new AbortController();
const ends: (() => Promise<void> | void)[] = [];

const program = new Command('npm start --')
  .description(
    'Runs everything here: a Temporal server with its UI, a worker, and your mailboxes, ' +
      'or a simulated one: while you have connected none, and with --mbox or --messages.',
  )
  .option('--once', 'end after the first sync, with a summary')
  .option('--fail-on-failures', 'with --once: end with exit code 3 while messages could not be fetched')
  .option(
    '--mbox <file>',
    'simulate a mailbox with your own mail: an mbox file (Google Takeout) or a folder of .eml files',
  )
  .option('--messages <n>', 'simulate a mailbox of so many generated messages (default 2000)', parseCountFromZero)
  .option('--no-traffic', 'no live changes in the simulated mailbox')
  .option('--port <n>', 'port of the Temporal server (default 7233, or the next free one)', parsePort)
  .option('--ui-port <n>', "port of Temporal's UI (default 8233, or the next free one)", parsePort)
  .option('--simulator-port <n>', 'port of the simulated Gmail (default 8025, or the next free one)', parsePort, 8025)
  .configureOutput(commanderOutput('npm start', { stdout, stderr }, { errors: true }))
  .exitOverride();

process.once('SIGINT', stopSoon).once('SIGTERM', stopSoon);
const exitCode = await main();
// Everything is closed by now, but the SDK's native part would keep the process alive a little longer.
process.exit(exitCode);

async function main(): Promise<number> {
  try {
    const options = program.parse().opts<StartOptions>();
    const config = loadConfig();
    const context: StartContext = {
      config,
      options,
      clock: systemClock,
      out,
      say,
      signal: interrupted.signal,
      onEnd: (close) => ends.push(close),
    };
    const claimed = claim(config.dataDir);
    // Loaded only now: help, usage errors and a second npm start need no worker.
    if (claimed.kind === 'taken') {
      const { join } = await import('./join.ts');
      return await join(context, claimed.pid);
    }
    ends.push(() => {
      claimed.release();
      if (interrupted.signal.aborted) say('Stopped. The next npm start goes on from here.');
    });
    const { runEverything } = await import('./run-everything.ts');
    return await runEverything(context, (running) => claimed.publish(running));
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (interrupted.signal.aborted) return 0;
    return await failed(error);
  } finally {
    await closeAll();
  }
}

/** Closes traffic, worker, client, simulator and server, in the reverse of the order in which they were opened. */
async function closeAll(): Promise<void> {
  for (const close of ends.toReversed()) {
    try {
      await close();
    } catch (error) {
      await failed(error);
    }
  }
}

async function failed(error: unknown): Promise<number> {
  // It imports every kind of error, from many rooms.
  const { reportFailure, stackLines } = await import('../cli/failure-report.ts');
  const {
    lines: [first = '', ...more],
    exitCode,
  } = reportFailure(error);
  out.notice(`npm start: ${first}`, ...more);
  if (['debug', 'trace'].includes(env['LOG_LEVEL'] ?? '') && error instanceof Error) out.notice(...stackLines(error));
  return exitCode;
}

function stopSoon(): void {
  if (out.draws) out.draw('');
  say('', 'Stopping …');
  interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', () => process.exit(130));
}
