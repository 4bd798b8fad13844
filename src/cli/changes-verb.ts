import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { parseCountFromZero } from './arguments.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { timeOf } from './words.ts';

interface ChangesOptions extends VerbOptions {
  readonly after: number;
  readonly follow?: boolean;
}

const PAGE = 500;
const PAUSE = 500;

export function addChanges(program: Command, cli: Cli): void {
  mailboxVerb(program, 'changes', {
    examples: ['tidemark changes ada@example.com --after 1200', 'tidemark changes ada@example.com --follow --json'],
  })
    .option('--after <sequence>', 'begin after this sequence number', parseCountFromZero, 0)
    .option('--follow', 'go on with changes as they come, until Ctrl-C')
    .addHelpText(
      'after',
      '\nWith --json each change is a line. Sequence numbers have no gaps: remember the last, and no change is missed.',
    )
    .action((mailbox: MailboxId, options: ChangesOptions) =>
      withTidemark(cli, options, async ({ tidemark, out, clock, signal }) => {
        await tidemark.client.status(mailbox);
        let { after } = options;
        for (;;) {
          const changes = await tidemark.client.readChanges(mailbox, { after, limit: PAGE });
          for (const change of changes) {
            after = change.sequence;
            const { sequence, at, kind, messageId, labelIds } = change;
            await out.line(
              out.json
                ? JSON.stringify(change)
                : `${sequence}  ${timeOf(at)}  ${kind.padEnd(6)}  ${messageId}  ${labelIds.join(' ')}`,
            );
          }
          if (changes.length === PAGE) continue;
          if (options.follow !== true) return;
          await clock.sleep(PAUSE, signal);
        }
      }),
    );
}
