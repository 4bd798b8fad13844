import { systemClock as clock } from '../../src/host/system-clock.ts';
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

/**
 * Begins to bring a copy up to date, and kills the program once it has used so many units.
 *
 * @returns the units that it had used then
 * @throws {InvalidRunError} when it ended before
 */
export async function killSync(gmail: SharedGmail, copy: MailCopy, units: number): Promise<number> {
  await gmail.forgetUsage();
  const running = await copy.sync();
  const over = new AbortController();
  void running.ended.finally(() => over.abort()).catch(() => undefined);
  await gmail.untilUsed(units, over.signal);
  const hadEnded = over.signal.aborted;
  await running.kill();
  if (hadEnded) throw new InvalidRunError('a program ended before it could be killed');
  // What the killed program had asked for last is still counted.
  await clock.sleep(500);
  return (await gmail.usage()).units;
}
