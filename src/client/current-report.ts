import type { MailboxId } from '../model/ids.ts';
import { MailboxUnknownError } from './errors.ts';
import { readStored, reportOf, type MailboxReport } from './mailbox-report.ts';
import { viewOf, type ClientMeans } from './mailbox-workflow.ts';

/**
 * What the workflow, Temporal and the store say about a mailbox.
 *
 * @throws {MailboxUnknownError} when neither the store nor Temporal knows it
 * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
 */
export async function currentReport(means: ClientMeans, mailbox: MailboxId): Promise<MailboxReport> {
  // The workflow first: when it says that the mailbox is in sync, the rows that are read afterwards must show that.
  const running = await viewOf(means, mailbox);
  const stored = await readStored(means.store, mailbox, means.clock.now());
  if (stored.row === null && running.phase === null && (running.failure ?? null) === null)
    throw new MailboxUnknownError(mailbox);
  return reportOf(mailbox, stored, running);
}

/** What the store says about a mailbox. Temporal is not asked. */
export async function storedReport(
  { store, clock }: Pick<ClientMeans, 'store' | 'clock'>,
  mailbox: MailboxId,
): Promise<MailboxReport> {
  return reportOf(mailbox, await readStored(store, mailbox, clock.now()), { phase: null, status: null });
}
