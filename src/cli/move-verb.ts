import type { Command } from 'commander';

import type { MovedMailbox } from '../app/move-mailboxes.ts';
import { contextOf, verb, type Cli, type VerbContext, type VerbOptions } from './verb-context.ts';
import { count, counted, table } from './words.ts';

interface MoveOptions extends VerbOptions {
  readonly from: string;
  readonly to: string;
  readonly bodies?: boolean;
}

export function addMove(program: Command, cli: Cli): void {
  verb(program, 'move', {
    examples: [
      'tidemark move --from sqlite:.tidemark/tidemark.sqlite --to postgres://tidemark@db.internal/tidemark',
      'tidemark move --from postgres://tidemark@localhost/tidemark --to sqlite:mail.sqlite --bodies',
    ],
  })
    .requiredOption('--from <url>', 'the database to copy')
    .requiredOption('--to <url>', 'the database to copy to; it must not hold any of these mailboxes')
    .option(
      '--bodies',
      'write bodies that lie outside the database again, where BODIES_URL says; without it they stay where they are',
    )
    .addHelpText(
      'after',
      `
Pause or stop the mailboxes and stop the workers first. Everything is compared at the end; an interrupted move is
asked for again, and goes on.
Then set DATABASE_URL, start workers, and resume. Credentials stay encrypted by the same key: give it to the new
workers (TIDEMARK_SECRET_KEY).
DATABASE_PASSWORD_FILE, DATABASE_CA_FILE and the other DATABASE_* hold for both: the password of a second server goes
into its URL.
The source stays as it is; do not run workers over it any more. To go back, move into a new database:
one that holds these mailboxes already is refused.`,
    )
    .action((options: MoveOptions) => move(cli, options));
}

async function move(cli: Cli, options: MoveOptions): Promise<void> {
  const context = await contextOf(cli, options);
  const { config, out, clock, signal } = context;
  const startedAt = clock.now();
  const { moveMailboxes } = await import('../app/move-mailboxes.ts');
  const { moved, temporalAsked } = await moveMailboxes({
    config,
    clock,
    from: options.from,
    to: options.to,
    moveBodies: options.bodies === true,
    onProgress: progressShown(context),
    signal,
  });
  if (out.draws) out.draw('');
  if (!temporalAsked)
    out.notice(
      'Temporal could not be asked whether mailboxes run. ' +
        'A mailbox that had changed during the copy would have been refused.',
    );
  const messages = moved.reduce((sum, each) => sum + each.messages, 0);
  const seconds = Math.max(0.001, (clock.now() - startedAt) / 1_000);
  const messagesPerSecond = Math.round(messages / seconds);
  const summary = { moved, messages, seconds, messagesPerSecond };
  out.result(summary, () => movedLines(summary));
}

/** Shows the rows copied so far; at a terminal only, and at most ten times a second. */
function progressShown({ out, clock }: VerbContext): (progress: MoveProgress) => void {
  let rows = 0;
  let shownAt = 0;
  return (progress) => {
    rows += progress.rows;
    if (!out.draws || clock.now() - shownAt < 100) return;
    shownAt = clock.now();
    out.draw(`${progress.mailbox}  ${progress.table}  ${count(rows)} rows`);
  };
}

interface MoveProgress {
  readonly mailbox: string;
  readonly table: string;
  readonly rows: number;
}

interface MoveSummary {
  readonly moved: readonly MovedMailbox[];
  readonly messages: number;
  readonly seconds: number;
  readonly messagesPerSecond: number;
}

function movedLines({ moved, messages, seconds, messagesPerSecond }: MoveSummary): readonly string[] {
  if (moved.length === 0) return ['The source holds no mailbox.'];
  return [
    ...table(
      ['mailbox', 'messages', 'rows'],
      moved.map((each) => [each.mailbox, count(each.messages), count(each.rows)]),
    ),
    '',
    `Moved and compared: ${counted(messages, 'message')} in ${seconds.toFixed(1)} s, ` +
      `${count(messagesPerSecond)} messages/s. Next: set DATABASE_URL, start workers, ` +
      'and resume or start each mailbox (tidemark resume --all; tidemark start EMAIL).',
  ];
}
