import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { runCli } from '../../src/cli/run.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import type { Ended } from './processes.ts';

/**
 * Runs a verb of the command line in this process, with its own connections. A separate process would only take seconds
 * longer.
 */
export async function tidemark(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const said = Promise.all([text(stdout), text(stderr)]);
  const code = await runCli(args, { env, stdout, stderr, clock: systemClock, signal: new AbortController().signal });
  stdout.end();
  stderr.end();
  const [out, error] = await said;
  return { code, stdout: out, stderr: error };
}
