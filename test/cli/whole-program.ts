import { PassThrough } from 'node:stream';

import type { Command } from 'commander';

import { createProgram } from '../../src/cli/program.ts';
import type { Verb } from '../../src/cli/verbs.ts';
import { systemClock } from '../../src/host/system-clock.ts';

/**
 * The command line, to be looked at and not to be run.
 *
 * @param asked - whether a verb's code is loaded; that of all verbs unless given
 */
export function wholeProgram(asked?: (verb: Verb) => boolean): Promise<Command> {
  const nowhere = { stdout: new PassThrough(), stderr: new PassThrough() };
  return createProgram({ env: {}, ...nowhere, clock: systemClock, signal: new AbortController().signal }, asked);
}
