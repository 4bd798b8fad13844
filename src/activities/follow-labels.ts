import type { GmailSession } from '../gmail/gmail-api.ts';
import type { MailboxId } from '../model/ids.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { listIds } from './list-ids.ts';

/** Labels of one sync: each that labels.list left out costs one page of its listing. */
const MOST = 20;

/**
 * Names of labels follow labels.list, which tells of renames. One that it no longer names was deleted, with or without records in history, or is left out by
 * one odd answer: its listing tells, and a label that is gone goes from every message. One that exists is asked about ever more rarely.
 * An attempt that dies in between asks again.
 */
export async function followLabels({ store, clock }: ActivityDependencies, session: GmailSession, mailbox: MailboxId, run: ActivityRun): Promise<void> {
  const { unlisted } = await store.saveLabels({ mailbox, labels: await session.listLabels(run.signal), now: clock.now() });
  for (const labelId of unlisted.slice(0, MOST)) {
    const page = await listIds(session, { labelIds: [labelId], includeSpamTrash: true, pageToken: null }, run.signal);
    if (page === 'label-gone') await store.removeLabel({ mailbox, labelId, now: clock.now() });
    else await store.keepLabel({ mailbox, labelId, now: clock.now() });
  }
}
