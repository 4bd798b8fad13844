import type { Command } from 'commander';

import type { FailedMessage, LackingMessage } from '../store/fetching/work-store.ts';
import { isRunning } from '../client/blocked-mailbox.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import type { Lacking } from '../model/change.ts';
import type { MailboxId } from '../model/ids.ts';
import { parseCount } from './arguments.ts';
import { obstacleWords } from './obstacle.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { ago, count, counted, table } from './words.ts';

interface FailuresOptions extends VerbOptions {
  readonly retry?: boolean;
  readonly limit: number;
}

export function addFailures(program: Command, cli: Cli): void {
  mailboxVerb(program, 'failures', {
    examples: ['tidemark failures ada@example.com', 'tidemark failures ada@example.com --retry'],
  })
    .option('--retry', 'try all of them again as soon as the quota allows')
    .option('--limit <n>', 'show so many at most', parseCount, 100)
    .addHelpText(
      'after',
      '\nFailed messages are tried again by themselves, ever more rarely; one that is fetched leaves the list.\n' +
        'One that Gmail does not find, nor in its thread, seems deleted: for some 35 minutes it is listed, too.\n' +
        'Below them: messages that are stored and readable, but lack what Gmail does not give.',
    )
    .action((mailbox: MailboxId, options: FailuresOptions) =>
      withTidemark(cli, options, async ({ tidemark, out, clock }) => {
        const report = await tidemark.client.status(mailbox);
        const { counts } = report;
        const { limit } = options;
        const failures = counts.failed === 0 ? [] : await tidemark.client.failures(mailbox, { limit });
        const lacking = counts.lacking === 0 ? [] : await tidemark.client.lacking(mailbox, { limit });
        const retrying =
          options.retry === true && (counts.failed > 0 || lacking.some(({ nextAttemptAt }) => nextAttemptAt !== null));
        if (retrying) await tidemark.client.retryFailures(mailbox);
        const totals = { mailbox, failed: counts.failed, lacking: counts.lacking, retrying };
        const shown = { ...totals, due: dueWords(report, clock.now()) };
        const obstacle = retrying ? (obstacleWords(report, clock.now()) ?? heldWords(report, clock.now())) : null;
        out.result({ ...totals, failures, inPart: lacking }, () => [
          ...failedLines(shown, failures, clock.now()),
          ...lackingLines(shown, lacking, clock.now()),
          ...(obstacle === null ? [] : ['', `They are not tried yet: ${obstacle}`]),
        ]);
      }),
    );
}

/**
 * When an attempt happens that is due or was asked for. It never says `now`: a workflow shows a spent daily budget only
 * after it has met that budget.
 */
function dueWords(report: MailboxReport, now: number): string {
  if (!isRunning(report)) return 'once it runs';
  if (!report.workerAnswered) return 'once a worker runs';
  const until = Math.max(report.heldUntil ?? 0, report.rateLimitedUntil ?? 0);
  return until > now ? ago(until, now) : 'as soon as the quota allows';
}

/** Failed messages are fetched with the backfill, which waits while the project's units of the day are spent. */
function heldWords({ heldUntil }: MailboxReport, now: number): string | null {
  return heldUntil === null || heldUntil <= now
    ? null
    : `the project's units of the day are spent until ${ago(heldUntil, now)}.`;
}

interface Shown {
  readonly mailbox: MailboxId;
  readonly failed: number;
  readonly lacking: number;
  readonly retrying: boolean;
  /** When a due attempt happens, such as `once it runs`. */
  readonly due: string;
}

function failedLines(
  { mailbox, failed, retrying, due }: Shown,
  failures: readonly FailedMessage[],
  now: number,
): readonly string[] {
  if (failed === 0) return [`${mailbox} has no failed messages.`];
  const rows = failures.map(({ id, error, attempts, nextAttemptAt }) => [
    id,
    error,
    `${attempts}`,
    retrying || nextAttemptAt <= now ? due : ago(nextAttemptAt, now),
  ]);
  const shown = failures.length < failed ? `, ${count(failures.length)} of them shown` : '';
  const they = failed === 1 ? 'it' : 'they';
  const next = retrying
    ? `: ${they} will be tried again ${due}`
    : `. To try them sooner: tidemark failures ${mailbox} --retry`;
  const last = `${counted(failed, 'failed message')}${shown}${next}.`;
  return [...table(['message', 'reason', 'attempts', 'next attempt'], rows), '', last];
}

function lackingLines(
  { lacking, retrying, due }: Shown,
  messages: readonly LackingMessage[],
  now: number,
): readonly string[] {
  if (lacking === 0) return [];
  const rows = messages.map(({ id, lacks, error, nextAttemptAt }) => {
    if (nextAttemptAt === null) return [id, WITHOUT[lacks], 'not asked for again'];
    return [id, error ?? WITHOUT[lacks], retrying || nextAttemptAt <= now ? due : ago(nextAttemptAt, now)];
  });
  return [
    '',
    ...table(['stored in part', 'what Gmail does not give', 'next attempt'], rows),
    '',
    `${counted(lacking, 'message')} stored and readable in part.`,
  ];
}

const WITHOUT: Readonly<Record<Lacking, string>> = {
  raw: 'stored as full: Gmail has no raw of it',
  attachments: 'attachments',
};
