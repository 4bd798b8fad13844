import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { tellingFailures } from './failure-notice.ts';
import { requireAnswerable, requireHandled } from './require-answerable.ts';
import { noWorkerNotice } from './no-worker.ts';
import { doneOrLater } from './obstacle.ts';
import { addFailOnFailures, leftWords, requireNoFailures, shortfallLines, type FailOnFailures } from './shortfall.ts';
import { counted } from './words.ts';

interface ResyncOptions extends VerbOptions, FailOnFailures {
  readonly wait?: boolean;
}

export function addResync(program: Command, cli: Cli): void {
  const command = mailboxVerb(program, 'resync', {
    examples: ['tidemark resync ada@example.com', 'tidemark resync ada@example.com --wait'],
  });
  addFailOnFailures(command.option('--wait', 'return when the resync is complete')).action(
    (mailbox: MailboxId, options: ResyncOptions) =>
      withTidemark(cli, options, async ({ tidemark, out, clock, signal, config }) => {
        const { client } = tidemark;
        if (options.wait !== true) {
          await client.resync(mailbox);
          await requireHandled(client, mailbox);
          const report = await client.status(mailbox);
          return out.result({ mailbox, requested: true, phase: report.phase }, () =>
            doneOrLater(report, clock.now(), `${mailbox} will be listed again and corrected`),
          );
        }
        await requireAnswerable(client, mailbox);
        const { inSync } = await tellingFailures({ client, mailbox, out, clock }, () =>
          client.resync(mailbox, { wait: true, signal, onNoWorker: noWorkerNotice(out, config) }),
        );
        const report = await client.progress(mailbox);
        const { historyId, generation, counts, doubt } = report;
        const { stored, pending, failed, gone } = counts;
        out.result(
          { mailbox, resynced: true, inSync, generation, historyId, stored, pending, failed, gone, doubt },
          () => [
            `${mailbox} is resynchronised (full sync ${generation}): ` +
              `${counted(stored, 'message')} stored${leftWords(counts)}.`,
            ...shortfallLines(report, clock.now()),
          ],
        );
        requireNoFailures(report, options);
      }),
  );
}
