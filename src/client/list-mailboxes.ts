import { failingTaskOf } from './failing-task.ts';
import { readStored, reportOf, type MailboxReport } from './mailbox-report.ts';
import type { ClientMeans } from './mailbox-workflow.ts';
import { runningMailboxes } from './running.ts';

/** Every mailbox that the store holds or Temporal runs, in the order of e-mail addresses. Asks no worker. */
export async function listMailboxes({ temporal, rpc, store, clock }: ClientMeans): Promise<readonly MailboxReport[]> {
  const running = await rpc({}, () => runningMailboxes(temporal));
  const rows = await store.listMailboxes();
  const mailboxes = [...new Set([...rows.map(({ id }) => id), ...running.keys()])].sort();
  const reports: MailboxReport[] = [];
  for (const mailbox of mailboxes) {
    const stored = await readStored(store, mailbox, clock.now());
    const { phase = null, reportsProblems = false } = running.get(mailbox) ?? {};
    // One call for each mailbox that the server has marked. Usually it has marked none.
    const failingTask = reportsProblems ? await failingTaskOf({ temporal, rpc, mailbox }) : null;
    reports.push(reportOf(mailbox, stored, { phase, status: null, failingTask }));
  }
  return reports;
}
