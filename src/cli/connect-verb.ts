import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { readSecretFile } from './credentials-file.ts';
import { mailboxVerb, withStores, type Cli, type VerbOptions } from './verb-context.ts';
import { informWorkflow } from './inform-workflow.ts';
import { counted, renamedAccount } from './words.ts';

interface ConnectOptions extends VerbOptions {
  readonly credentials: string;
  readonly verify: boolean;
}

export function addConnect(program: Command, cli: Cli): void {
  mailboxVerb(program, 'connect', {
    examples: [
      'tidemark connect ada@example.com --credentials ada.json',
      'tidemark connect ada@example.com --credentials service-account.json',
    ],
  })
    .requiredOption(
      '--credentials <file>',
      "Google's own JSON: authorized_user, or service_account with domain-wide delegation",
    )
    .option('--no-verify', 'store the credentials without trying them')
    .addHelpText('after', '\nA mailbox that waits for consent goes on at once.')
    .action((mailbox: MailboxId, options: ConnectOptions) =>
      withStores(
        cli,
        options,
        async ({ stores, out, config, clock }) => {
          const text = await readSecretFile(options.credentials, 'credentials');
          const [{ connectMailbox }, { configFor }] = await Promise.all([
            import('../accounts/connect-mailbox.ts'),
            import('../config/running-start.ts'),
          ]);
          const { address, messagesTotal } = await connectMailbox({
            config: configFor(config, mailbox),
            stores,
            mailbox,
            clock,
            text,
            verify: options.verify,
          });
          const informed = await informWorkflow(cli, options, mailbox);
          out.result(
            {
              mailbox,
              address,
              connected: true,
              verified: options.verify,
              messagesTotal,
              running: informed.running,
              serverReached: informed.serverReached,
            },
            () => {
              const size = messagesTotal === null ? '' : ` (${counted(messagesTotal, 'message')} at Gmail)`;
              return `${mailbox} is connected${size}.${renamedAccount(mailbox, address)} ${informed.next}`;
            },
          );
        },
        { create: true },
      ),
    );
}
