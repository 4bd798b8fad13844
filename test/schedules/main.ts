import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { runDeliverySchedule } from './delivery-schedule.ts';
import { runSchedule } from './schedule.ts';
import { Tally, type Outcome } from './tally.ts';

/**
 * `npm run simulate-schedules -- --seed N [--count N] [--step N] [--jobs N] [--odd | --deliveries] [--trace TEXT]`:
 * replays one schedule, or runs `--count` schedules from that seed on, in `--jobs` threads. `--step`: how far apart the
 * seeds are (`--seed 2 --step 5`: those whose scopes have a limit). `--odd`: Gmail also answers oddly. `--deliveries`:
 * schedules of subscriptions. `--trace`: prints the calls that mention TEXT. The exit code is 1 when a schedule was not
 * exact, or when an odd answer that enough schedules were given never struck.
 */
interface Share {
  readonly seeds: readonly number[];
  readonly kind: 'plain' | 'odd' | 'deliveries';
  readonly trace: string | null;
}

const PROGRESS_EVERY = 500;

if (isMainThread) await main();
else await runShare(workerData as Share, (outcome) => parentPort?.postMessage(outcome, []));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1' },
      step: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      odd: { type: 'boolean', default: false },
      deliveries: { type: 'boolean', default: false },
      trace: { type: 'string' },
    },
  });
  const [first, count] = [Number(values.seed), Number(values.count)];
  const [step, jobs] = [Number(values.step), Number(values.jobs)];
  const startedAt = performance.now();
  const tally = new Tally({ isOdd: values.odd && !values.deliveries });
  const report = (outcome: Outcome): void => {
    tally.add(outcome);
    if (tally.count % PROGRESS_EVERY === 0 && tally.count < count)
      console.error(`${tally.count} of ${count} schedules`);
    if (outcome.differences.length > 0) console.log(shown(outcome));
  };
  const seeds = Array.from({ length: count }, (_, index) => first + index * step);
  const shares = Array.from({ length: jobs }, (_, job): Share => ({
    seeds: seeds.filter((_, index) => index % jobs === job),
    kind: values.deliveries ? 'deliveries' : values.odd ? 'odd' : 'plain',
    trace: values.trace ?? null,
  }));
  await Promise.all(shares.map((share) => (jobs === 1 ? runShare(share, report) : runInThread(share, report))));

  for (const line of tally.lines((performance.now() - startedAt) / 1000)) console.log(line);
  process.exitCode = tally.holds ? 0 : 1;
}

function shown({ seed, differences, met }: Outcome): string {
  const odd = [...met].map(([name, strikes]) => `${name}: ${strikes}`).join('; ');
  return `seed ${seed}: ${differences.slice(0, 5).join('; ')}${odd === '' ? '' : ` [${odd}]`}`;
}

async function runShare({ seeds, kind, trace }: Share, report: (outcome: Outcome) => void): Promise<void> {
  for (const seed of seeds) {
    try {
      const run = kind === 'deliveries' ? runDeliverySchedule : runSchedule;
      const outcome = await run(seed, {
        odd: kind === 'odd',
        trace: trace === null ? null : (at, line) => line.includes(trace) && console.log(at, line),
      });
      report(outcome);
    } catch (error) {
      report({
        seed,
        differences: [
          `the schedule failed: ${error instanceof Error ? (error.stack ?? error.message) : 'with no error'}`,
        ],
        met: new Map(),
        drifts: 0,
      });
    }
  }
}

function runInThread(share: Share, report: (outcome: Outcome) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.on('message', report);
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}
