import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { runDeliverySchedule } from './delivery-schedule.ts';
import { runSchedule, type ScheduleResult } from './schedule.ts';

/**
 * `npm run simulate-schedules -- --seed N [--count N] [--step N] [--jobs N] [--odd | --deliveries] [--trace TEXT]`:
 * replays one schedule, or runs `--count` schedules from that seed on, in `--jobs` threads. `--step`: how far apart the
 * seeds are (`--seed 2 --step 5`: those whose scopes have a limit). `--odd`: Gmail also answers oddly. `--deliveries`:
 * schedules of subscriptions. `--trace`: prints the calls that mention TEXT.
 */
interface Share {
  readonly seeds: readonly number[];
  readonly kind: 'plain' | 'odd' | 'deliveries';
  readonly trace: string | null;
}

const PROGRESS_EVERY = 500;

type Outcome = Pick<ScheduleResult, 'seed' | 'differences' | 'met' | 'drifts'>;

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
  const inexact: number[] = [];
  const drifted: number[] = [];
  const met = new Map<string, { schedules: number; vain: number; strikes: number }>();
  let ended = 0;
  const report = (outcome: Outcome): void => {
    ended += 1;
    if (ended % PROGRESS_EVERY === 0 && ended < count) console.error(`${ended} of ${count} schedules`);
    if (outcome.differences.length > 0) {
      inexact.push(outcome.seed);
      console.log(
        `seed ${outcome.seed}: ${outcome.differences.slice(0, 5).join('; ')}` +
          (outcome.met.size === 0
            ? ''
            : ` [${[...outcome.met].map(([name, strikes]) => `${name}: ${strikes}`).join('; ')}]`),
      );
    }
    if (outcome.drifts > 0) drifted.push(outcome.seed);
    for (const [name, strikes] of outcome.met) {
      const before = met.get(name) ?? { schedules: 0, vain: 0, strikes: 0 };
      met.set(name, {
        schedules: before.schedules + 1,
        vain: before.vain + (strikes === 0 ? 1 : 0),
        strikes: before.strikes + strikes,
      });
    }
  };
  const seeds = Array.from({ length: count }, (_, index) => first + index * step);
  const shares = Array.from({ length: jobs }, (_, job): Share => ({
    seeds: seeds.filter((_, index) => index % jobs === job),
    kind: values.deliveries ? 'deliveries' : values.odd ? 'odd' : 'plain',
    trace: values.trace ?? null,
  }));
  await Promise.all(shares.map((share) => (jobs === 1 ? runShare(share, report) : runInThread(share, report))));

  for (const [name, { schedules, vain, strikes }] of [...met].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`  ${name}: in ${schedules} schedules, ${strikes} times${vain === 0 ? '' : `; not met in ${vain}`}`);
  }
  if (drifted.length > 0) console.log(`  audits found a difference meanwhile: ${listed(drifted)}`);
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${count} schedules, ${inexact.length} inexact${inexact.length === 0 ? '' : ` (${listed(inexact)})`}, ` +
      `${(count / seconds).toFixed(1)} a second`,
  );
  process.exitCode = inexact.length === 0 ? 0 : 1;
}

function listed(seeds: readonly number[]): string {
  return seeds.toSorted((a, b) => a - b).join(' ');
}

async function runShare({ seeds, kind, trace }: Share, report: (outcome: Outcome) => void): Promise<void> {
  for (const seed of seeds) {
    try {
      const run = kind === 'deliveries' ? runDeliverySchedule : runSchedule;
      const { differences, met, drifts } = await run(seed, {
        odd: kind === 'odd',
        trace: trace === null ? null : (at, line) => line.includes(trace) && console.log(at, line),
      });
      report({ seed, differences, met, drifts });
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
