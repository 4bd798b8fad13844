import type { Command } from 'commander';

import type { MailboxReport } from '../client/mailbox-report.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { Pacemeter, type Pace, withForecast } from './pace.ts';
import { reportJson, reportLines } from './report.ts';

export function addStatus(program: Command, cli: Cli): void {
  mailboxVerb(program, 'status', {
    examples: ['tidemark status ada@example.com', 'tidemark status ada@example.com --json | jq .counts'],
  }).action((mailbox: MailboxId, options: VerbOptions) =>
    withTidemark(cli, options, async ({ tidemark, out, clock, signal }) => {
      const report = await tidemark.client.status(mailbox);
      const pace = await paceOf(tidemark.client, report, clock, signal);
      out.result(reportJson(report, pace), () => reportLines(report, pace, clock.now()));
    }),
  );
}

const BETWEEN_SAMPLES = 1_000;

/** A pace needs two samples. A mailbox that fetches nothing has no pace. */
async function paceOf(
  client: TidemarkClient,
  report: MailboxReport,
  clock: Clock,
  signal: AbortSignal,
): Promise<Pace | null> {
  const fetches =
    report.counts.pending > 0 &&
    report.workerAnswered &&
    ['full-sync', 'recovering', 'live', 'rate-limited'].includes(report.phase);
  if (!fetches) return null;
  const meter = new Pacemeter();
  meter.add(await client.progress(report.mailbox), clock.now());
  await clock.sleep(BETWEEN_SAMPLES, signal);
  const later = await client.progress(report.mailbox);
  meter.add(later, clock.now());
  return withForecast(meter.read(later.counts.pending), await client.forecast(report.mailbox), clock.now());
}
