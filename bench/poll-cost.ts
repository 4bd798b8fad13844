import { systemClock as clock } from '../src/host/system-clock.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { costOfPoll, load, memoryOf, pollUse, startWorker, type PollCost, type PollUse } from './bench-processes.ts';
import { startServerIn } from './dev-server.ts';
import { inFolder, type Ends } from './in-folder.ts';
import { openBenchSystem, openWith, startMailboxes } from './mailboxes-in-sync.ts';

const MAILBOXES = 100;
/** Ms between two polls of a mailbox: both processes work, and wait for each other seldom. */
const INTERVAL = 5_000;
const SECONDS = 60;

/** What polls that find nothing cost the worker's process and the Temporal server's. */
async function measurePolls(folder: string, ends: Ends): Promise<PollCost & { readonly workerMemory: number }> {
  const temporal = await startServerIn(folder);
  ends.push(() => temporal.stop());
  const system = await openBenchSystem(folder, ends, { temporalAddress: temporal.address });
  const worker = startWorker(folder, { env: system.env }, ends);
  const tidemark = await openWith(system.env, ends);
  await startMailboxes(system, tidemark, MAILBOXES, { pollInterval: INTERVAL });
  // Relistings come half a minute after a first sync.
  await clock.sleep(60_000);
  const read = (): PollUse => pollUse(system.simulator, { worker: worker.pid, server: temporal.pid });
  const before = read();
  await clock.sleep(SECONDS * 1_000);
  const cost = costOfPoll(before, read());
  if (cost.polls < (0.8 * MAILBOXES * SECONDS * 1_000) / INTERVAL)
    throw new InvalidRunError(`only ${cost.polls} polls`);
  return { ...cost, workerMemory: memoryOf(worker.pid).now };
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
