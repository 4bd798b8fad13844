import type { Command } from 'commander';

import { CannotDoError, UsageError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import { confirmChange } from './confirm-change.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { requireHandled } from './require-answerable.ts';
import { obstacleWords } from './obstacle.ts';
import { followUntilInSync } from './progress.ts';
import { settingsWords } from './report.ts';
import { addFailOnFailures, requireNoFailures, shortfallLines, type FailOnFailures } from './shortfall.ts';
import { addSettingOptions, grantedChange, namesSetting, type SettingOptions } from './setting-options.ts';

interface ConfigureOptions extends VerbOptions, SettingOptions, FailOnFailures {
  readonly wait?: boolean;
}

export function addConfigure(program: Command, cli: Cli): void {
  const command = mailboxVerb(program, 'configure', {
    examples: [
      'tidemark configure ada@example.com --format raw --yes --wait',
      'tidemark configure ada@example.com --all-mail --no-include-spam-trash',
    ],
  });
  addFailOnFailures(
    addSettingOptions(command).option(
      '--wait',
      'show progress, and return when the mailbox is in sync under the new settings',
    ),
  )
    .addHelpText(
      'after',
      '\nWhat is not given stays as it is. Another scope fetches what is missing and removes what leaves it; ' +
        'another format fetches every message again.',
    )
    .action((mailbox: MailboxId, options: ConfigureOptions) => {
      if (!namesSetting(options))
        throw new UsageError(`Name a setting to change, for example: tidemark configure ${mailbox} --format raw`);
      return withTidemark(cli, options, async (context) => {
        const { tidemark, out, config, clock, signal } = context;
        if ((await tidemark.client.status(mailbox)).phase === 'stopped') {
          throw new CannotDoError(
            'mailbox-not-running',
            `${mailbox} is not running. Start it with the same options: tidemark start ${mailbox} …`,
          );
        }
        const change = await grantedChange(context, mailbox, options);
        await confirmChange(context, { mailbox, change, verb: 'configure', yes: options.yes === true });
        const settings = await tidemark.client.configure(mailbox, change);
        await requireHandled(tidemark.client, mailbox);
        const words = `${mailbox}: ${settingsWords(settings)}.`;
        if (options.wait !== true) {
          const obstacle = obstacleWords(await tidemark.client.status(mailbox), clock.now());
          return out.result({ mailbox, settings, inSync: false }, () => [
            words,
            ...(obstacle === null ? [] : [`They do not take effect yet: ${obstacle}`]),
          ]);
        }
        const report = await followUntilInSync({ client: tidemark.client, mailbox, out, config, clock, signal });
        out.result({ mailbox, settings, inSync: true, failed: report.counts.failed, doubt: report.doubt }, () => [
          words,
          ...shortfallLines(report, clock.now()),
        ]);
        requireNoFailures(report, options);
      });
    });
}
