import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { parseEmail } from './arguments.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';

interface RenameOptions extends VerbOptions {
  readonly force?: boolean;
}

export function addRename(program: Command, cli: Cli): void {
  mailboxVerb(program, 'rename', {
    examples: ['tidemark rename ada@example.com countess@example.com'],
  })
    .argument('<to>', 'the new address', parseEmail)
    .option('--force', 'do not ask Google whether the account is called so')
    .addHelpText('after', '\nNothing is fetched again. A renaming that is interrupted is finished by the same command.')
    .action((from: MailboxId, to: MailboxId, options: RenameOptions) =>
      withTidemark(cli, options, async ({ tidemark, out, signal }) => {
        const renamed = await tidemark.client.rename(from, to, { force: options.force === true, signal });
        const next = renamed.running
          ? '; its workflow goes on where it was.'
          : `. It does not run; start it: tidemark start ${to}`;
        out.result(renamed, () => `${from} is now ${to}${next}`);
      }),
    );
}
