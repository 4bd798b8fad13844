import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './context.ts';
import { noWorkerNotice } from './no-worker.ts';
import { counted } from './words.ts';

interface SyncOptions extends VerbOptions {
  readonly wait?: boolean;
}

export function addSync(program: Command, cli: Cli): void {
  mailboxVerb(program, 'sync', { summary: 'partial sync now', examples: ['tidemark sync ada@example.com', 'tidemark sync ada@example.com --wait && tidemark export ada@example.com'] })
    .option('--wait', 'return when the store has reached the mailbox\'s head as of this call')
    .action((mailbox: MailboxId, options: SyncOptions) =>
      withTidemark(cli, options, async ({ tidemark, out, signal, config }) => {
        const { client } = tidemark;
        await client.sync(mailbox, { wait: options.wait ?? false, signal, onNoWorker: noWorkerNotice(out, config) });
        if (options.wait !== true) return out.result({ mailbox, requested: true }, () => `${mailbox} will be synchronised.`);
        const { historyId, counts } = await client.progress(mailbox);
        const { stored, pending, failed, gone } = counts;
        out.result({ mailbox, synced: true, historyId, stored, pending, failed, gone }, () => {
          const left = pending === 0 ? '' : `; ${counted(pending, 'message')} of the full sync still to fetch`;
          return `${mailbox} is synchronised up to ${historyId ?? 'its head'}: ${counted(stored, 'message')} stored${left}.`;
        });
      }),
    );
}
