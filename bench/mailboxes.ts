import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TidemarkWithStores } from '../src/app/open-with-stores.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import type { MailboxId } from '../src/model/ids.ts';
import type { DevServer } from '../src/temporal/dev-server/index.ts';
import type { Bench, Figure } from '../test/fixtures/measured/figure.ts';
import { costOfPoll, load, memoryOf, pollUse, startWorker, type PollUse } from './bench-processes.ts';
import { startServerIn } from './dev-server.ts';
import { inFolder, type Ends } from './in-folder.ts';
import {
  insertMail,
  openBenchSystem,
  openWith,
  quantile,
  startMailboxes,
  storedAt,
  type BenchSystem,
} from './mailboxes-in-sync.ts';

const MAILBOXES = Number(process.env['MAILBOXES'] ?? 10_000);
const POLL_INTERVAL = 5 * 60_000;
const NEW_MAIL = 300;
const PER_SECOND = 10;

interface Fleet {
  readonly system: BenchSystem;
  readonly tidemark: TidemarkWithStores;
  readonly temporal: DevServer;
  readonly startWorker: () => Promise<ChildProcess>;
}

async function openFleet(folder: string, ends: Ends): Promise<Fleet> {
  const temporal = await startServerIn(folder);
  ends.push(() => temporal.stop());
  const system = await openBenchSystem(folder, ends, { temporalAddress: temporal.address });
  const startOne = async (): Promise<ChildProcess> => {
    const worker = startWorker(folder, { env: system.env }, ends);
    // The worker has bundled its workflows by then.
    await clock.sleep(10_000);
    return worker;
  };
  return { system, tidemark: await openWith(system.env, ends), temporal, startWorker: startOne };
}

const useOf = ({ system, temporal }: Fleet, worker: ChildProcess): PollUse =>
  pollUse(system.simulator, { worker: worker.pid, server: temporal.pid });

/** Ms from the arrival of new mail, with a poke, until it is stored, in mailboxes that are spread over the fleet. */
async function newMail({ system, tidemark }: Fleet, mailboxes: readonly MailboxId[]): Promise<readonly number[]> {
  const times: Promise<number>[] = [];
  for (let sent = 0; sent < NEW_MAIL; sent++) {
    const mailbox = mailboxes[Math.floor((sent * mailboxes.length) / NEW_MAIL)];
    if (mailbox === undefined) break;
    const { changeSequence } = await tidemark.client.progress(mailbox);
    insertMail(system.simulator, mailbox, sent);
    const insertedAt = clock.now();
    await tidemark.client.poke(mailbox);
    times.push(storedAt(tidemark, mailbox, changeSequence).then((at) => at - insertedAt));
    await clock.sleep(1_000 / PER_SECOND);
  }
  return Promise.all(times);
}

/** Seconds until each mailbox has been synced after its worker was killed and another started. */
async function restart(fleet: Fleet, worker: ChildProcess, mailboxes: readonly MailboxId[]): Promise<number> {
  const ended = once(worker, 'exit');
  worker.kill('SIGKILL');
  await ended;
  const killedAt = clock.now();
  await fleet.startWorker();
  const waiting = new Set(mailboxes);
  while (waiting.size > 0) {
    for (const mailbox of waiting) {
      const row = await fleet.tidemark.store.getMailbox(mailbox);
      if ((row?.syncedAt ?? 0) > killedAt) waiting.delete(mailbox);
    }
    await clock.sleep(500);
  }
  return (clock.now() - killedAt) / 1_000;
}

async function measure(folder: string, ends: Ends): Promise<readonly Figure[]> {
  const fleet = await openFleet(folder, ends);
  const worker = await fleet.startWorker();
  const empty = { memory: memoryOf(worker.pid).now, use: useOf(fleet, worker) };
  const startedAt = clock.now();
  const mailboxes = await startMailboxes(fleet.system, fleet.tidemark, MAILBOXES, { pollInterval: POLL_INTERVAL });
  const seconds = (clock.now() - startedAt) / 1_000;
  const started = useOf(fleet, worker);
  // Relistings come half a minute after a first sync.
  await clock.sleep(60_000);
  const before = useOf(fleet, worker);
  await clock.sleep(POLL_INTERVAL);
  const poll = costOfPoll(before, useOf(fleet, worker));
  const { now: memory } = memoryOf(worker.pid);
  const idle = load();
  const times = await newMail(fleet, mailboxes);
  const back = await restart(fleet, worker, mailboxes);
  const each = (from: number, to: number): number => (1_000 * (to - from)) / MAILBOXES;
  return [
    { name: `${MAILBOXES} mailboxes in sync`, value: MAILBOXES / seconds, unit: '/s', bound: null },
    {
      name: '  a first sync of 20 messages: the worker',
      value: each(empty.use.worker, started.worker),
      unit: 'ms',
      bound: { is: 'at most', value: 40 },
    },
    { name: '  the Temporal server', value: each(empty.use.server, started.server), unit: 'ms', bound: null },
    {
      name: '  a poll: the worker',
      value: poll.worker,
      unit: 'ms',
      bound: { is: 'at most', value: 6 },
      note: `${poll.polls} polls, ${idle}`,
    },
    {
      name: '  the Temporal server',
      value: poll.server,
      unit: 'ms',
      bound: { is: 'at most', value: 10 },
    },
    {
      name: '  memory of a mailbox in the worker',
      value: (memory - empty.memory) / MAILBOXES,
      unit: 'MB',
      bound: { is: 'at most', value: 0.12 },
      note: `${empty.memory.toFixed(0)} MB with none, ${memory.toFixed(0)} MB with all`,
    },
    {
      name: '  new mail to stored, p95',
      value: quantile(times, 0.95),
      unit: 'ms',
      bound: { is: 'at most', value: 2_000 },
      note: `p50 ${quantile(times, 0.5).toFixed(0)} ms, slowest ${Math.max(...times).toFixed(0)} ms of ${times.length}`,
    },
    {
      name: '  all synced after a kill of the worker',
      value: back,
      unit: 's',
      bound: { is: 'at most', value: 600 },
    },
  ];
}

export const mailboxes: Bench = {
  name: 'mailboxes',
  about: `${MAILBOXES} mailboxes (MAILBOXES), polled every five minutes: their cost, new mail, a killed worker`,
  run: () => inFolder(measure),
};
