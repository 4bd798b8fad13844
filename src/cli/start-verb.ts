import { Option, type Command } from 'commander';

import { CannotDoError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import type { TidemarkWithStores } from '../app/open-with-stores.ts';
import type { StartedMailbox } from '../client/checked-settings.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import { confirmChange } from './confirm-change.ts';
import { dryRun } from './dry-run.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbContext, type VerbOptions } from './verb-context.ts';
import { requireHandled } from './require-answerable.ts';
import { NO_WORKER } from './no-worker.ts';
import { obstacleWords } from './obstacle.ts';
import { followUntilInSync } from './progress.ts';
import { reportJson, settingsWords } from './report.ts';
import { addSettingOptions, grantedChange, type SettingOptions } from './setting-options.ts';
import { addFailOnFailures, requireNoFailures, shortfallLines, type FailOnFailures } from './shortfall.ts';
import { count, counted } from './words.ts';

interface StartVerbOptions extends VerbOptions, SettingOptions, FailOnFailures {
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

export function addStart(program: Command, cli: Cli): void {
  const command = mailboxVerb(program, 'start', {
    examples: [
      'tidemark start ada@example.com --dry-run',
      'tidemark start ada@example.com --wait',
      'tidemark start ada@example.com --format raw --label INBOX --label Receipts --after ' +
        '2025-01-01 --poll-interval 5m',
    ],
  });
  addFailOnFailures(
    addSettingOptions(command)
      .option('--wait', 'show progress, and return when the mailbox is in sync')
      .addOption(
        new Option(
          '--dry-run',
          'list the ids, say what the first sync would fetch and cost, and start nothing',
        ).conflicts('wait'),
      ),
  )
    .addHelpText(
      'after',
      '\nWhat is not given stays as it is: a bare start changes no setting, and wakes a mailbox that runs.',
    )
    .action((mailbox: MailboxId, options: StartVerbOptions) =>
      withTidemark(cli, options, async (context) => {
        const { tidemark } = context;
        if ((await tidemark.credentials.get(mailbox)) === null) {
          throw new CannotDoError(
            'mailbox-not-connected',
            `${mailbox} is not connected. First: tidemark login ${mailbox} --client FILE, ` +
              `or tidemark connect ${mailbox} --credentials FILE`,
            { mailbox },
          );
        }
        const change = await grantedChange(context, mailbox, options);
        if (options.dryRun === true) return dryRun(context, mailbox, change);
        await confirmChange(context, { mailbox, change, verb: 'start', yes: options.yes === true });
        const started = await tidemark.client.start(mailbox, change);
        await requireHandled(tidemark.client, mailbox);
        return options.wait === true
          ? await waitUntilInSync(context, mailbox, options)
          : await reportStart(context, mailbox, { change, started });
      }),
    );
}

type Context = VerbContext & { readonly tidemark: TidemarkWithStores };

/** Says what the start has done, without waiting. */
async function reportStart(
  { tidemark, out, clock, signal }: Context,
  mailbox: MailboxId,
  { change, started }: { readonly change: SettingsChange; readonly started: StartedMailbox },
): Promise<void> {
  const { wasRunning, isChanged, settings } = started;
  const woken = wasRunning ? await tidemark.client.status(mailbox) : null;
  const hasWorker = woken !== null || (await tidemark.client.hasWorker(signal));
  out.result(
    {
      mailbox,
      started: !wasRunning,
      wasRunning,
      isChanged,
      phase: woken?.phase ?? null,
      blocked: woken?.blocked ?? null,
      settings,
    },
    () =>
      woken === null
        ? `${mailbox} is started${hasWorker ? `. Watch it: tidemark status ${mailbox}` : `, but ${NO_WORKER_YET}`}`
        : wokenWords({
            mailbox,
            given: Object.keys(change).length === 0 ? null : { isChanged, settings },
            obstacle: obstacleWords(woken, clock.now()),
          }),
  );
}

const NO_WORKER_YET = `no worker has been seen lately. ${NO_WORKER}`;

/** Shows progress until the mailbox is in sync. */
async function waitUntilInSync(
  { tidemark, out, config, clock, signal }: Context,
  mailbox: MailboxId,
  options: FailOnFailures,
): Promise<void> {
  const report = await followUntilInSync({ client: tidemark.client, mailbox, out, config, clock, signal });
  out.result(reportJson(report, null), () => {
    const done =
      `${mailbox} is in sync: ${counted(report.counts.stored, 'message')}, ` +
      `${count(report.usage.units)} units, historyId ${report.historyId ?? 'unknown'}.`;
    return [done, ...shortfallLines(report, clock.now())];
  });
  requireNoFailures(report, options);
}

/**
 * What a start did to a mailbox that already ran. It wakes no mailbox that waits for a person, for Gmail or for a
 * worker.
 *
 * @param given - null when no setting was named
 */
function wokenWords({
  mailbox,
  given,
  obstacle,
}: {
  readonly mailbox: MailboxId;
  readonly given: { readonly isChanged: boolean; readonly settings: MailboxSettings } | null;
  readonly obstacle: string | null;
}): string {
  const but = obstacle === null ? '' : `, but ${obstacle}`;
  if (given === null) return `${mailbox} runs already${obstacle === null ? '; it was woken.' : but}`;
  return given.isChanged
    ? `${mailbox} runs already; its settings are now: ${settingsWords(given.settings)}${but === '' ? '.' : but}`
    : `${mailbox} runs already with these settings, and none was changed${obstacle === null ? '; it was woken.' : but}`;
}
