import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { RunningSync } from './peer.ts';

/** A sync that is one run of a program, which ends by itself. */
export function runningProgram(program: ChildProcess): RunningSync {
  const ended = once(program, 'exit').then(([code]) => (typeof code === 'number' ? code : -1));
  return {
    processes: { program: program.pid ?? 0 },
    ended,
    kill: async () => {
      program.kill('SIGKILL');
      await ended;
    },
    stop: async () => {
      program.kill('SIGTERM');
      await ended;
    },
  };
}
