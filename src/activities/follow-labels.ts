import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { LabelId, MailboxId } from '../model/ids.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { labelListing, listIds, pagesOf } from './list-ids.ts';

/** Labels of one sync: each that labels.list left out, or named for the first time, costs its listing. */
const MOST = 20;

/**
 * Names of labels follow labels.list, which tells of renames. One that it no longer names was deleted, with or without records in history, or is left out by
 * one odd answer: its listing tells, and a label that is gone goes from every message. One that exists is asked about ever more rarely; one that was called
 * gone by mistake is listed, so that its messages get it back.
 * An attempt that dies in between asks again.
 *
 * @returns labels that are to be listed once history has been applied: see {@link listFreshLabels}
 */
export async function followLabels({ store, clock }: ActivityDependencies, session: GmailSession, mailbox: MailboxId, run: ActivityRun): Promise<readonly LabelId[]> {
  const { unlisted, fresh, gone } = await store.saveLabels({ mailbox, labels: await session.listLabels(run.signal), now: clock.now() });
  const returned: LabelId[] = [];
  for (const labelId of unlisted.slice(0, MOST)) {
    const page = await listIds(session, { labelIds: [labelId], includeSpamTrash: true, pageToken: null }, run.signal);
    if (page === 'label-gone') await store.removeLabel({ mailbox, labelId, now: clock.now() });
    else if (gone.includes(labelId)) returned.push(labelId);
    else await store.keepLabel({ mailbox, labelId, now: clock.now() });
  }
  return [...fresh, ...returned].slice(0, MOST);
}

/** What one call lists: for whom, and which labels. */
interface FreshLabels {
  readonly mailbox: MailboxId;
  readonly labelIds: readonly LabelId[];
}

/**
 * A label may exist, and be left out by labels.list, at the very time of a recovery: then nothing has told which messages carry it. So each label is listed
 * once when it is named for the first time, and what is held without it is read again. Of a label that is really new history has told everything by then.
 */
export async function listFreshLabels({ store, clock }: ActivityDependencies, session: GmailSession, { mailbox, labelIds }: FreshLabels, run: ActivityRun): Promise<void> {
  const scope = (await store.getMailbox(mailbox))?.settings.scope;
  if (scope === undefined) return;
  for (const labelId of labelIds) {
    for await (const page of pagesOf(session, labelListing(scope, labelId), run.signal)) {
      await store.readAgainWithout({ mailbox, labelId, messageIds: page.map(({ id }) => id), now: clock.now() });
    }
    await store.keepLabel({ mailbox, labelId, now: clock.now() });
  }
}
