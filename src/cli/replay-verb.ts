import type { Command } from 'commander';

import type { ReplayFrom } from '../client/deliveries-client.ts';
import type { MailboxId } from '../model/ids.ts';
import type { ReplayedMailbox } from '../store/subscriptions/subscription-store.ts';
import { UsageError } from '../model/program-errors.ts';
import { parseDate, parseEmail, parsePlace } from './arguments.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { counted } from './words.ts';

interface ReplayOptions extends VerbOptions {
  readonly mailbox?: MailboxId;
  readonly after?: number | string;
  readonly since?: number;
}

export function addReplay(program: Command, cli: Cli): void {
  verb(program, 'replay', {
    examples: [
      'tidemark replay crm --since 2026-11-01',
      'tidemark replay crm --mailbox ada@example.com --after 1200',
      'tidemark replay crm --after 1-9f86d081884c7d65-51200-4b1f09a2c3d4',
    ],
  })
    .argument('<name>', 'the subscription')
    .option('--mailbox <email>', 'only this mailbox', parseEmail)
    .option(
      '--after <cursor>',
      'after the change with this cursor, or, with --mailbox, with this sequence number',
      parsePlace,
    )
    .option('--since <date>', 'from the first change since this date', parseDate)
    .addHelpText(
      'after',
      '\nParked changes are delivered again with the others. The deliveries have new ids. ' +
        'A subscription never goes ahead.',
    )
    .action((name: string, options: ReplayOptions) =>
      withTidemark(cli, options, async ({ tidemark, out }) => {
        const mailboxes = await tidemark.client.deliveries.replay(name, placeOf(options));
        out.result({ name, mailboxes }, () =>
          mailboxes.length === 0
            ? [`Nothing is delivered again: ${name} is not beyond that in any mailbox.`]
            : [`${name} goes back in ${counted(mailboxes.length, 'mailbox')}.`, ...notKeptLines(mailboxes)],
        );
      }),
    );
}

function notKeptLines(mailboxes: readonly ReplayedMailbox[]): readonly string[] {
  const lacking = mailboxes.filter(({ notKept }) => notKept !== 0);
  if (lacking.length === 0) return [];
  const known = lacking.reduce((sum, { notKept }) => sum + (notKept ?? 0), 0);
  return [
    `${known === 0 ? 'Older changes' : counted(known, 'change')} of ${counted(lacking.length, 'mailbox')} ` +
      'cannot be delivered again: CHANGES_KEPT has let them go. ' +
      'tidemark list and show have the messages as they are now.',
  ];
}

function placeOf({ mailbox, after, since }: ReplayOptions): ReplayFrom {
  const only = mailbox === undefined ? {} : { mailbox };
  if (since !== undefined && after === undefined) return { ...only, since };
  if (after === undefined || since !== undefined) throw new UsageError('Give either --after CURSOR or --since DATE.');
  if (mailbox !== undefined) return { mailbox, after };
  if (typeof after === 'string') return { after };
  throw new UsageError(
    `${after} is a sequence number, and each mailbox counts its own. ` +
      'Add --mailbox EMAIL, or give a cursor (tidemark changes --json prints one with each change), or --since DATE.',
  );
}
