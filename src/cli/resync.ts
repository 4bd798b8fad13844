import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './context.ts';
import { noWorkerNotice } from './no-worker.ts';
import { counted } from './words.ts';

interface ResyncOptions extends VerbOptions {
  readonly wait?: boolean;
}

export function addResync(program: Command, cli: Cli): void {
  mailboxVerb(program, 'resync', {
    summary: 'list a mailbox anew and correct every difference',
    examples: ['tidemark resync ada@example.com', 'tidemark resync ada@example.com --wait'],
  })
    .option('--wait', 'return when the resync is complete')
    .action((mailbox: MailboxId, options: ResyncOptions) =>
      withTidemark(cli, options, async ({ tidemark, out, signal, config }) => {
        const { client } = tidemark;
        await client.resync(mailbox, { wait: options.wait ?? false, signal, onNoWorker: noWorkerNotice(out, config) });
        if (options.wait !== true) return out.result({ mailbox, requested: true }, () => `${mailbox} will be listed anew.`);
        const { historyId, generation, counts } = await client.progress(mailbox);
        const { stored, pending, failed, gone } = counts;
        out.result(
          { mailbox, resynced: true, generation, historyId, stored, pending, failed, gone },
          () => `${mailbox} is resynchronised (full sync ${generation}): ${counted(stored, 'message')} stored, ${counted(failed, 'message')} failed.`,
        );
      }),
    );
}
