import type { Command } from 'commander';

import { UsageError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import { RECOVERIES, type MessageFormat, type Recovery, type Scope } from '../model/settings.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { TidemarkWithStores } from '../app/open-with-stores.ts';
import { collect, parseCount, parseDate, parseFormat, parseInterval, parseIntervalOrNever } from './arguments.ts';
import type { VerbContext } from './verb-context.ts';

/** The options of `start` and `configure` that are settings of the mailbox. */
export interface SettingOptions {
  readonly format?: MessageFormat;
  readonly attachments?: boolean;
  readonly label?: readonly string[];
  readonly after?: number;
  readonly limit?: number;
  readonly includeSpamTrash?: boolean;
  readonly allMail?: boolean;
  readonly pollInterval?: number;
  readonly recovery?: Recovery;
  readonly auditInterval?: number | 'never';
  readonly push?: boolean;
  readonly pushLabel?: readonly string[];
  /** Not a setting: confirms the change, whatever it removes and fetches. */
  readonly yes?: boolean;
}

export function addSettingOptions(command: Command): Command {
  return command
    .option('--format <format>', 'full (default), raw, metadata or minimal', parseFormat)
    .option(
      '--attachments',
      'messages of format full with their attachments (one more call for each message that has some)',
    )
    .option(
      '--no-attachments',
      'messages of format full as Gmail answers them, with the ids of attachments only (default)',
    )
    .option(
      '--label <label>',
      'only messages with this label, by name or id; may be given more than once',
      collect(String),
    )
    .option('--after <date>', 'only messages from this date on: 2025-01-31 or 2025/01/31, midnight UTC', parseDate)
    .option(
      '--limit <n>',
      'only the newest n messages (with several labels, of each), and all that arrive later',
      parseCount,
    )
    .option('--include-spam-trash', 'spam and trash too')
    .option('--no-include-spam-trash', 'neither spam nor trash (default)')
    .option('--all-mail', 'drop --label, --after, --limit and --include-spam-trash that were set before')
    .option(
      '--poll-interval <duration>',
      'between partial syncs of a quiet mailbox: 30s, 5m, 1h (default 1m); with push ever longer',
      parseInterval,
    )
    .addOption(
      command
        .createOption(
          '--recovery <way>',
          'how labels are corrected after expired history: listings (default, 5 units per 500), ' +
            'or minimal (20 units each)',
        )
        .choices(RECOVERIES),
    )
    .option(
      '--audit-interval <duration>',
      'between comparisons with Gmail: 1d, 7d (default), or never',
      parseIntervalOrNever,
    )
    .option('--push', 'notified by Gmail of every change, where workers have PUSH_TOPIC (default)')
    .option('--no-push', 'only polled: Gmail sends no notifications')
    .option(
      '--push-label <label>',
      'notified only of changes to messages with this label; may be given more than once',
      collect(String),
    )
    .option('--yes', 'really: without it, what removes or fetches mail is asked about, or refused without a terminal')
    .hook('preAction', (verb) => {
      const { push, pushLabel } = verb.opts<SettingOptions>();
      if (push === false && pushLabel !== undefined)
        throw new UsageError(
          'Give either --no-push or --push-label: without push there are no notifications that a label could limit.',
        );
    });
}

/**
 * The settings that the options change, with labels by their ids.
 *
 * @throws {LoginError} when a label does not exist, or the mailbox's grant does not cover the settings
 */
export async function grantedChange(
  { tidemark, config, clock }: VerbContext & { readonly tidemark: TidemarkWithStores },
  mailbox: MailboxId,
  options: SettingOptions,
): Promise<SettingsChange> {
  const [{ configFor }, { resolveLabels }, { requireGrant }] = await Promise.all([
    import('../config/running-start.ts'),
    import('../accounts/label-names.ts'),
    import('../accounts/require-grant.ts'),
  ]);
  const request = { config: configFor(config, mailbox), stores: tidemark, mailbox, clock };
  const labels = options.label === undefined ? undefined : await resolveLabels({ ...request, names: options.label });
  const pushLabels =
    options.pushLabel === undefined ? undefined : await resolveLabels({ ...request, names: options.pushLabel });
  const change = settingsChangeOf(options, labels, pushLabels);
  await requireGrant({ ...request, change });
  return change;
}

/** Whether any option is a setting. */
export const namesSetting = (options: SettingOptions): boolean =>
  Object.keys(
    settingsChangeOf(
      options,
      options.label === undefined ? undefined : [],
      options.pushLabel === undefined ? undefined : [],
    ),
  ).length > 0;

/**
 * @param labels - ids of the labels that `--label` names
 * @param pushLabels - ids of the labels that `--push-label` names
 */
function settingsChangeOf(
  options: SettingOptions,
  labels: Scope['labelIds'] | undefined,
  pushLabels: Scope['labelIds'] | undefined,
): SettingsChange {
  const all: Partial<Scope> =
    options.allMail === true ? { labelIds: [], after: null, limit: null, includeSpamTrash: false } : {};
  const scope: Partial<Scope> = {
    ...all,
    ...(labels === undefined ? {} : { labelIds: labels }),
    ...(options.after === undefined ? {} : { after: options.after }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.includeSpamTrash === undefined ? {} : { includeSpamTrash: options.includeSpamTrash }),
  };
  return {
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.attachments === undefined ? {} : { attachments: options.attachments }),
    ...(options.pollInterval === undefined ? {} : { pollInterval: options.pollInterval }),
    ...(options.recovery === undefined ? {} : { recovery: options.recovery }),
    ...(options.auditInterval === undefined
      ? {}
      : { auditInterval: options.auditInterval === 'never' ? null : options.auditInterval }),
    ...(options.push === undefined && pushLabels === undefined
      ? {}
      : { push: options.push === false ? null : { labelIds: pushLabels ?? [] } }),
    ...(Object.keys(scope).length === 0 ? {} : { scope }),
  };
}
