import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './context.ts';

export function addResume(program: Command, cli: Cli): void {
  mailboxVerb(program, 'resume', { summary: 'go on after a pause, or try again after a failure', examples: ['tidemark resume ada@example.com'] })
    .action((mailbox: MailboxId, options: VerbOptions) =>
      withTidemark(cli, options, async ({ tidemark, out }) => {
        await tidemark.client.resume(mailbox);
        out.result({ mailbox, resumed: true }, () => `${mailbox} goes on.`);
      }),
    );
}
