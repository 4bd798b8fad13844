import type { Command } from 'commander';

import type { ConnectedDomain } from '../accounts/domain-request.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import type { MessageFormat } from '../model/settings.ts';
import { withAdvice } from './advice.ts';
import { parseEmail, parseFormat, parseInterval } from './arguments.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { readSecretFile } from './credentials-file.ts';
import { count } from './words.ts';

interface ConnectDomainOptions extends VerbOptions {
  readonly admin: MailboxId;
  readonly credentials: string;
  readonly orgUnit?: string;
  readonly format?: MessageFormat;
  readonly pollInterval?: number;
  readonly dryRun?: boolean;
}

export function addConnectDomain(program: Command, cli: Cli): void {
  verb(program, 'connect-domain', {
    examples: [
      'tidemark connect-domain --admin admin@example.com --credentials service-account.json --dry-run',
      'tidemark connect-domain --admin admin@example.com --credentials service-account.json ' +
        '--org-unit /Sales --format raw',
    ],
  })
    .requiredOption('--admin <email>', 'an administrator, in whose name the users are listed', parseEmail)
    .requiredOption('--credentials <file>', 'the JSON of a service account with domain-wide delegation')
    .option('--org-unit <path>', 'only users of this organisational unit, and of those below it: /Sales/Europe')
    .option(
      '--format <format>',
      'of mailboxes that did not run before: full (default), raw, metadata or minimal',
      parseFormat,
    )
    .option('--poll-interval <duration>', 'of mailboxes that did not run before (default 1m)', parseInterval)
    .option('--dry-run', 'say what would be done, and change nothing')
    .addHelpText(
      'after',
      '\nMay be run again at any time: it connects and starts who is new, and leaves alone what runs, ' +
        'and what was stopped or removed. Other settings: tidemark configure.',
    )
    .action((options: ConnectDomainOptions) =>
      withTidemark(
        cli,
        options,
        async ({ tidemark, out, config, clock, signal }) => {
          const credentials = await readSecretFile(options.credentials, 'credentials');
          const { connectDomain } = await import('../accounts/connect-domain.ts');
          const dryRun = options.dryRun === true;
          const result = await connectDomain({
            config,
            tidemark,
            clock,
            credentials,
            administrator: options.admin,
            orgUnit: options.orgUnit ?? null,
            settings: {
              ...(options.format === undefined ? {} : { format: options.format }),
              ...(options.pollInterval === undefined ? {} : { pollInterval: options.pollInterval }),
            },
            dryRun,
            signal,
            onProgress: (done, all) => {
              if (out.draws) out.draw(`${done} of ${all} mailboxes`);
            },
          });
          if (out.draws) out.draw('');
          out.result({ dryRun, ...result }, () => wordsOf(result, dryRun));
          if (result.failed.length > 0) throw new CannotDoError('domain-incomplete', incomplete(result.failed.length));
        },
        { create: options.dryRun === true ? 'in-memory' : true },
      ),
    );
}

function incomplete(failed: number): string {
  return (
    `${count(failed)} ${failed === 1 ? 'mailbox' : 'mailboxes'} could not be connected; the result names them. ` +
    'Mend the cause and run the same command again.'
  );
}

/** The text names this many addresses and counts the rest. --json has all of them. */
const NAMED = 10;

function wordsOf(
  { started, running, stopped, ownGrant, renamed, failed, leftOut }: ConnectedDomain,
  dryRun: boolean,
): readonly string[] {
  const lines = [
    `${count(started.length)} ${started.length === 1 ? 'mailbox' : 'mailboxes'} ` +
      `${dryRun ? 'would be ' : ''}started${named(started)}`,
  ];
  if (running.length > 0) lines.push(`${running.length} running already`);
  if (stopped.length > 0)
    lines.push(
      `${stopped.length} stopped or removed before, left so${named(stopped)}. To start one: tidemark start EMAIL`,
    );
  if (ownGrant.length > 0)
    lines.push(`${ownGrant.length} connected by their owners, left as they are${named(ownGrant)}`);
  for (const reason of ['suspended', 'archived', 'no-mailbox'] as const) {
    const users = leftOut.filter((user) => user.reason === reason).map(({ mailbox }) => mailbox);
    if (users.length > 0)
      lines.push(`${users.length} left out, ${reason === 'no-mailbox' ? 'without a mailbox' : reason}${named(users)}`);
  }
  for (const { mailbox, to } of renamed)
    lines.push(
      `not started, ${to}: ${mailbox} is an alias of this user now, and a mailbox here. ` +
        `If it is the same account: tidemark rename ${mailbox} ${to}`,
    );
  for (const { mailbox, message, remedy } of failed) lines.push(`failed, ${mailbox}: ${withAdvice(message, remedy)}`);
  return lines;
}

function named(mailboxes: readonly MailboxId[]): string {
  if (mailboxes.length === 0) return '';
  const rest = mailboxes.length - NAMED;
  return `: ${mailboxes.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
