import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { NO_WORKER } from './no-worker.ts';
import { requireHandled } from './require-answerable.ts';

export function addPause(program: Command, cli: Cli): void {
  mailboxVerb(program, 'pause', {
    examples: ['tidemark pause ada@example.com'],
  }).action((mailbox: MailboxId, options: VerbOptions) =>
    withTidemark(cli, options, async ({ tidemark, out }) => {
      await tidemark.client.pause(mailbox);
      await requireHandled(tidemark.client, mailbox);
      const { workerAnswered } = await tidemark.client.status(mailbox);
      out.result({ mailbox, paused: true }, () =>
        workerAnswered
          ? `${mailbox} is paused. Continue with: tidemark resume ${mailbox}`
          : `${mailbox} is asked to pause, and does so once a worker answers. ${NO_WORKER}`,
      );
    }),
  );
}
