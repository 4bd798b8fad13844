import { openSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock as clock } from '../src/host/system-clock.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { cpuSecondsOf, load, memoryOf, startProgram } from './bench-processes.ts';
import { startServerIn } from './dev-server.ts';
import { inFolder, type Ends } from './in-folder.ts';
import { openBenchSystem, openWith, startMailboxes } from './mailboxes-in-sync.ts';

const MAILBOXES = 100;
/** Ms between two polls of a mailbox: both processes work, and wait for each other seldom. */
const INTERVAL = 5_000;
const SECONDS = 60;

interface Costs {
  readonly polls: number;
  /** Processor time of one poll, in ms. */
  readonly worker: number;
  readonly server: number;
  readonly workerMemory: number;
}

/** What polls that find nothing cost the worker's process and the Temporal server's. */
async function measurePolls(folder: string, ends: Ends): Promise<Costs> {
  const temporal = await startServerIn(folder);
  ends.push(() => temporal.stop());
  const system = await openBenchSystem(folder, ends, { temporalAddress: temporal.address });
  const log = openSync(join(folder, 'worker.log'), 'a');
  const worker = startProgram('src/worker.ts', { env: system.env, log });
  ends.push(() => worker.kill());
  const tidemark = await openWith(system.env, ends);
  await startMailboxes(system, tidemark, MAILBOXES, { pollInterval: INTERVAL });
  // Relistings come half a minute after a first sync.
  await clock.sleep(60_000);
  const read = () => ({
    polls: system.simulator.usage.report().methods['history.list']?.calls ?? 0,
    worker: cpuSecondsOf(worker.pid),
    server: cpuSecondsOf(temporal.pid),
  });
  const before = read();
  await clock.sleep(SECONDS * 1_000);
  const after = read();
  const polls = after.polls - before.polls;
  if (polls < (0.8 * MAILBOXES * SECONDS * 1_000) / INTERVAL) throw new InvalidRunError(`only ${polls} polls`);
  return {
    polls,
    worker: (1_000 * (after.worker - before.worker)) / polls,
    server: (1_000 * (after.server - before.server)) / polls,
    workerMemory: memoryOf(worker.pid).now,
  };
}

export const pollCost: Bench = {
  name: 'poll-cost',
  about: `processor time of a poll that finds nothing, ${MAILBOXES} mailboxes in real processes`,
  async run(): Promise<readonly Figure[]> {
    return inFolder(async (folder, ends) => {
      const { polls, worker, server, workerMemory } = await measurePolls(folder, ends);
      const note = `${polls} polls, ${load()}`;
      return [
        { name: 'a poll: the worker', value: worker, unit: 'ms', bound: { is: 'at most', value: 6 }, note },
        { name: '  the Temporal server', value: server, unit: 'ms', bound: { is: 'at most', value: 10 } },
        { name: '  memory of the worker', value: workerMemory, unit: 'MB', bound: null },
      ];
    });
  },
};
