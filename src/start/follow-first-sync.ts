import { followUntilInSync } from '../cli/progress.ts';
import { shortfallLines } from '../cli/shortfall.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { MailboxId } from '../model/ids.ts';
import { inSyncLine } from './in-sync-line.ts';
import type { StartContext } from './start-context.ts';
import { summaryLines } from './summary.ts';

/**
 * Shows a mailbox's progress until it is in sync, then what is stored. With `--once`, a summary follows.
 *
 * @throws {MailboxBlockedError} when it waits for a person
 * @throws {MailboxNotRunningError} when its workflow ended
 */
export async function followFirstSync(
  { config, options, clock, out, say, signal }: StartContext,
  client: TidemarkClient,
  mailbox: MailboxId,
): Promise<MailboxReport> {
  const startedAt = clock.now();
  const report = await followUntilInSync({ client, mailbox, out, config, clock, signal });
  say(inSyncLine(report, clock.now()), ...shortfallLines(report, clock.now()));
  if (options.once === true)
    say('', ...summaryLines(report, { elapsed: clock.now() - startedAt, database: config.database.location }));
  return report;
}
