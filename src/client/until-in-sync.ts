import type { MailboxId } from '../model/ids.ts';
import { knownOptions } from '../model/options.ts';
import { currentReport } from './current-report.ts';
import { blockReasonOf, isBlocked } from './blocked-mailbox.ts';
import { MailboxBlockedError, MailboxNotRunningError } from './errors.ts';
import type { MailboxReport } from './mailbox-report.ts';
import type { ClientMeans } from './mailbox-workflow.ts';
import { requestSync } from './request-sync.ts';
import { WAIT_OPTIONS, type WaitOptions } from './waiting.ts';

/** Milliseconds between two looks at the mailbox. */
const LOOK = 1_000;

/**
 * Asks for a partial sync, and then looks at the mailbox until it is in sync.
 *
 * @throws {MailboxBlockedError} when the mailbox waits for a person
 * @throws {MailboxNotRunningError} when no workflow runs
 */
export async function untilInSync(
  means: ClientMeans,
  mailbox: MailboxId,
  options: WaitOptions,
): Promise<MailboxReport> {
  knownOptions('waitUntilInSync', options, WAIT_OPTIONS);
  await requestSync(means, mailbox, { ...options, wait: true });
  for (;;) {
    const report = await currentReport(means, mailbox);
    const { phase, inSync } = report;
    if (inSync === true) return report;
    if (phase === 'stopped') throw new MailboxNotRunningError(mailbox);
    if (isBlocked(phase)) throw new MailboxBlockedError(mailbox, phase, blockReasonOf(report));
    if (!report.workerAnswered) options.onNoWorker?.();
    await means.clock.sleep(LOOK, options.signal);
  }
}
