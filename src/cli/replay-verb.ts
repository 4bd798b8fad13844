import type { Command } from 'commander';

import type { ReplayFrom } from '../client/deliveries-client.ts';
import type { MailboxId } from '../model/ids.ts';
import type { ReplayedMailbox, ReplayedParked } from '../store/subscriptions/subscription-store.ts';
import { UsageError } from '../model/program-errors.ts';
import { parseDate, parseEmail, parsePlace } from './arguments.ts';
import { endedLines, endOfSubscription } from './ended-subscription.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { counted } from './words.ts';

interface ReplayOptions extends VerbOptions {
  readonly mailbox?: MailboxId;
  readonly after?: number | string;
  readonly since?: number;
  /** A delivery's id, or true for all. */
  readonly parked?: string | true;
}

export function addReplay(program: Command, cli: Cli): void {
  verb(program, 'replay', {
    examples: [
      'tidemark replay crm --since 2026-11-01',
      'tidemark replay crm --mailbox ada@example.com --after 1200',
      'tidemark replay crm --after 1-9f86d081884c7d65-51200-4b1f09a2c3d4',
      'tidemark replay crm --parked dlv_9f86d081884c7d659a2feaa0c55ad015',
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
    .option('--parked [id]', 'nothing but what was parked: one, by its id, or all')
    .addHelpText(
      'after',
      '\nWith --after and --since, parked changes are delivered again with the others, and a subscription never goes ' +
        'ahead. With --parked it stays where it is: each parked change has one more attempt, and is parked again if ' +
        'that fails. The deliveries have new ids.',
    )
    .action((name: string, options: ReplayOptions) =>
      options.parked === undefined ? goBack(cli, name, options) : replayParked(cli, name, options),
    );
}

function goBack(cli: Cli, name: string, options: ReplayOptions): Promise<void> {
  const place = placeOf(options);
  return withTidemark(cli, options, async ({ tidemark, out }) => {
    const mailboxes = await tidemark.client.deliveries.replay(name, place);
    const ended = endedLines(name, await endOfSubscription(tidemark.client.deliveries, name));
    out.result({ name, mailboxes }, () =>
      mailboxes.length === 0
        ? [ended.length > 0 ? 'Nothing is delivered again.' : notBeyond(name), ...ended]
        : [`${name} goes back in ${counted(mailboxes.length, 'mailbox')}.`, ...notKeptLines(mailboxes)],
    );
  });
}

const notBeyond = (name: string): string => `Nothing is delivered again: ${name} is not beyond that in any mailbox.`;

function replayParked(cli: Cli, name: string, options: ReplayOptions): Promise<void> {
  const { parked, mailbox, after, since } = options;
  if (after !== undefined || since !== undefined)
    throw new UsageError('Give either --parked, or a place from which everything is delivered again.');
  const which = {
    ...(typeof parked === 'string' ? { id: parked } : {}),
    ...(mailbox === undefined ? {} : { mailbox }),
  };
  return withTidemark(cli, options, async ({ tidemark, out }) => {
    const mailboxes = await tidemark.client.deliveries.replayParked(name, which);
    const ended = endedLines(name, await endOfSubscription(tidemark.client.deliveries, name));
    out.result({ name, mailboxes }, () => [...parkedLines(name, mailboxes), ...ended]);
  });
}

function parkedLines(name: string, mailboxes: readonly ReplayedParked[]): readonly string[] {
  const [again, notKept] = mailboxes.reduce((sums, each) => [sums[0] + each.again, sums[1] + each.notKept], [0, 0]);
  if (again + notKept === 0) return [`${name} has nothing parked.`];
  return [
    ...(again === 0 ? [] : [`${name} is to deliver ${counted(again, 'parked change')} once more.`]),
    ...(notKept === 0 ? [] : [`CHANGES_KEPT has let go of ${counted(notKept, 'parked change')}: no replay has them.`]),
  ];
}

function notKeptLines(mailboxes: readonly ReplayedMailbox[]): readonly string[] {
  const lacking = mailboxes.filter(({ notKept }) => notKept !== 0);
  if (lacking.length === 0) return [];
  const known = lacking.reduce((sum, { notKept }) => sum + (notKept ?? 0), 0);
  return [
    `${known === 0 ? 'Older changes' : counted(known, 'change')} of ${counted(lacking.length, 'mailbox')} ` +
      'cannot be delivered again: CHANGES_KEPT has let them go. ' +
      'tidemark export has the messages as they are now.',
  ];
}

function placeOf({ mailbox, after, since }: ReplayOptions): ReplayFrom {
  const only = mailbox === undefined ? {} : { mailbox };
  if (since !== undefined && after === undefined) return { ...only, since };
  if (after === undefined || since !== undefined)
    throw new UsageError('Give --after CURSOR, --since DATE or --parked.');
  if (mailbox !== undefined) return { mailbox, after };
  if (typeof after === 'string') return { after };
  throw new UsageError(
    `${after} is a sequence number, and each mailbox counts its own. ` +
      'Add --mailbox EMAIL, or give a cursor (tidemark changes --json prints one with each change), or --since DATE.',
  );
}
