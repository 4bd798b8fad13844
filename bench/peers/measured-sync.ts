import type { UsageReport } from '../../src/simulator/usage.ts';
import { InvalidRunError } from '../../test/fixtures/measured/figure.ts';
import { load } from '../bench-processes.ts';
import type { MailCopy } from './peer.ts';
import { ProcessCosts, type Cost } from './process-cost.ts';
import type { SharedGmail } from './shared-gmail.ts';

export interface MeasuredSync {
  readonly exitCode: number;
  /** From the program's start to the end. */
  readonly wholeSeconds: number;
  /** From the first call that Gmail admitted to the end: without what it takes to load the program. */
  readonly seconds: number;
  readonly costs: Readonly<Record<string, Cost>>;
  readonly usage: UsageReport;
  /** Of the machine, in the middle of it all. */
  readonly load: string;
}

/** Brings a copy up to date, and measures it from outside in the same way for every program. */
export async function measureSync(gmail: SharedGmail, copy: MailCopy): Promise<MeasuredSync> {
  await gmail.forgetUsage();
  const started = performance.now();
  const running = await copy.sync();
  const costs = new ProcessCosts(running.processes);
  const over = new AbortController();
  try {
    const firstCall = gmail.untilUsed(1, over.signal).then(() => {
      costs.mark();
      return performance.now();
    });
    const exitCode = await running.ended;
    const end = performance.now();
    over.abort();
    const usage = await gmail.usage();
    return {
      exitCode,
      wholeSeconds: (end - started) / 1_000,
      seconds: (end - (await firstCall)) / 1_000,
      costs: await costs.stop(),
      usage,
      load: load(),
    };
  } finally {
    over.abort();
    await costs.stop();
    await running.stop();
  }
}

/** How often a program is started again that gives up before it is killed. */
const STARTS = 30;

/**
 * Begins to bring a copy up to date, and kills the program once it has used so many units in all. One that gives up
 * before is started again.
 *
 * @returns how often it gave up
 * @throws {InvalidRunError} when it was done before it could be killed, or never came so far
 */
export async function killSync(gmail: SharedGmail, copy: MailCopy, units: number): Promise<number> {
  await gmail.forgetUsage();
  for (let gaveUp = 0; gaveUp < STARTS; gaveUp++) {
    const running = await copy.sync();
    const over = new AbortController();
    void running.ended.finally(() => over.abort()).catch(() => undefined);
    await gmail.untilUsed(units, over.signal);
    if (!over.signal.aborted) {
      await running.kill();
      return gaveUp;
    }
    const exitCode = await running.ended;
    await running.stop();
    if (exitCode === 0) throw new InvalidRunError('a program was done before it could be killed');
  }
  throw new InvalidRunError(`a program gave up ${STARTS} times before it could be killed`);
}
