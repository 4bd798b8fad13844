import type { Command } from 'commander';

import type { SettingsChange } from '../client/tidemark-client.ts';
import { CannotDoError } from '../failure-report.ts';
import { resolveLabels } from '../login.ts';
import type { MailboxId } from '../model/ids.ts';
import type { MessageFormat, Scope } from '../model/settings.ts';
import { collect, parseCount, parseDate, parseEmail, parseFormat, parsePollInterval } from './arguments.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './context.ts';
import { followUntilInSync } from './progress.ts';
import { reportJson } from './report.ts';
import { count, counted } from './words.ts';

interface StartOptions extends VerbOptions {
  readonly format?: MessageFormat;
  readonly label?: readonly string[];
  readonly after?: number;
  readonly limit?: number;
  readonly includeSpamTrash?: boolean;
  readonly allMail?: boolean;
  readonly pollInterval?: number;
  readonly wait?: boolean;
}

export function addStart(program: Command, cli: Cli): void {
  verb(program, 'start', {
    summary: 'start or wake a mailbox\'s workflow',
    examples: ['tidemark start ada@example.com --wait', 'tidemark start ada@example.com --format raw --label INBOX --label Receipts --after 2025-01-01 --poll-interval 5m'],
  })
    .argument('<email>', 'the mailbox', parseEmail)
    .option('--format <format>', 'full (default), raw, metadata or minimal', parseFormat)
    .option('--label <label>', 'only messages with this label, by name or id; may be given more than once', collect(String))
    .option('--after <date>', 'only messages from this date on: 2025-01-31 or 2025/01/31, midnight UTC', parseDate)
    .option('--limit <n>', 'only the newest n messages, and all that arrive later', parseCount)
    .option('--include-spam-trash', 'spam and trash too')
    .option('--all-mail', 'drop the conditions that were set before')
    .option('--poll-interval <duration>', 'between partial syncs of a quiet mailbox: 30s, 5m, 1h (default 1m)', parsePollInterval)
    .option('--wait', 'show progress, and return when the mailbox is in sync')
    .addHelpText('after', '\nWhat is not given stays as it is: a bare start wakes a mailbox and changes nothing.')
    .action((mailbox: MailboxId, options: StartOptions) =>
      withTidemark(cli, options, async (context) => {
        const { tidemark, out, config, clock, signal } = context;
        if ((await tidemark.credentials.get(mailbox)) === null) {
          throw new CannotDoError('mailbox-not-connected', `${mailbox} is not connected. First: tidemark connect ${mailbox} --credentials FILE`);
        }
        const labels = options.label === undefined ? undefined : await resolveLabels({ config, stores: tidemark, mailbox, clock, names: options.label });
        const { wasRunning, settings } = await tidemark.client.start(mailbox, changeOf(options, labels));
        if (options.wait !== true) {
          return out.result({ mailbox, started: !wasRunning, wasRunning, settings }, () =>
            wasRunning ? `${mailbox} runs already; it was woken.` : `${mailbox} is started. Watch it: tidemark status ${mailbox}`,
          );
        }
        const report = await followUntilInSync({ client: tidemark.client, mailbox, out, config, clock, signal });
        out.result(reportJson(report, null), () => {
          const failed = report.counts.failed === 0 ? '' : `, ${count(report.counts.failed)} failed`;
          return `${mailbox} is in sync: ${counted(report.counts.stored, 'message')}${failed}, ${count(report.usage.units)} units, historyId ${report.historyId ?? 'none'}.`;
        });
      }),
    );
}

function changeOf(options: StartOptions, labels: Scope['labelIds'] | undefined): SettingsChange {
  const all: Partial<Scope> = options.allMail === true ? { labelIds: [], after: null, limit: null, includeSpamTrash: false } : {};
  const scope: Partial<Scope> = {
    ...all,
    ...(labels === undefined ? {} : { labelIds: labels }),
    ...(options.after === undefined ? {} : { after: options.after }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.includeSpamTrash === undefined ? {} : { includeSpamTrash: options.includeSpamTrash }),
  };
  return {
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.pollInterval === undefined ? {} : { pollInterval: options.pollInterval }),
    ...(Object.keys(scope).length === 0 ? {} : { scope }),
  };
}
