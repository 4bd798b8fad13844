import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { tellingFailures } from './failure-notice.ts';
import { requireAnswerable, requireHandled } from './require-answerable.ts';
import { noWorkerNotice } from './no-worker.ts';
import { doneOrLater } from './obstacle.ts';
import { addFailOnFailures, leftWords, requireNoFailures, shortfallLines, type FailOnFailures } from './shortfall.ts';
import { counted } from './words.ts';

interface SyncVerbOptions extends VerbOptions, FailOnFailures {
  readonly wait?: boolean;
}

export function addSync(program: Command, cli: Cli): void {
  const command = mailboxVerb(program, 'sync', {
    examples: [
      'tidemark sync ada@example.com',
      'tidemark sync ada@example.com --wait && tidemark export ada@example.com',
    ],
  });
  addFailOnFailures(
    command.option('--wait', "return when the store has reached the mailbox's head as of this call"),
  ).action((mailbox: MailboxId, options: SyncVerbOptions) =>
    withTidemark(cli, options, async ({ tidemark, out, clock, signal, config }) => {
      const { client } = tidemark;
      if (options.wait !== true) {
        await client.sync(mailbox);
        await requireHandled(client, mailbox);
        const report = await client.status(mailbox);
        return out.result({ mailbox, requested: true, phase: report.phase }, () =>
          doneOrLater(report, clock.now(), `${mailbox} will be synchronised`),
        );
      }
      await requireAnswerable(client, mailbox);
      const { inSync } = await tellingFailures({ client, mailbox, out, clock }, () =>
        client.sync(mailbox, { wait: true, signal, onNoWorker: noWorkerNotice(out, config) }),
      );
      const report = await client.progress(mailbox);
      const { historyId, counts, doubt } = report;
      const { stored, pending, failed, gone } = counts;
      out.result({ mailbox, synced: true, inSync, historyId, stored, pending, failed, gone, doubt }, () => {
        const done =
          `${mailbox} is synchronised up to ${historyId ?? 'its head'}: ` +
          `${counted(stored, 'message')} stored${leftWords(counts)}.`;
        return [done, ...shortfallLines(report, clock.now())];
      });
      requireNoFailures(report, options);
    }),
  );
}
