import type { MailboxId } from '../model/ids.ts';
import { describedRun } from './described-run.ts';
import type { ClientMeans } from './mailbox-workflow.ts';

/**
 * Whether a mailbox's workflow runs, has ended, or is unknown. Temporal forgets ended workflows after the namespace's
 * retention. After that, the mailbox in the store shows that it ran.
 */
export async function lastRun(
  { temporal, rpc, store }: ClientMeans,
  mailbox: MailboxId,
): Promise<'running' | 'ended' | 'none'> {
  const described = await describedRun({ temporal, rpc, mailbox });
  if (described !== null) return described.status.name === 'RUNNING' ? 'running' : 'ended';
  return (await store.getMailbox(mailbox)) === null ? 'none' : 'ended';
}
