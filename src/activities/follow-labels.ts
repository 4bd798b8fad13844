import type { GmailSession } from '../gmail/api/gmail-api.ts';
import { labelListing } from '../gmail/api/scope-listings.ts';
import type { LabelId, MailboxId } from '../model/ids.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { listIds, pagesOf } from './list-ids.ts';

/**
 * The most labels that one sync asks about. Each label that labels.list left out, or named for the first time, costs a
 * listing.
 */
const MOST = 20;

/**
 * Updates the labels' names by labels.list, which shows renames. A label that it does not name was deleted (history may
 * not say so) or was left out by an odd answer. The label's listing decides: a deleted label is taken off every
 * message, an existing one is asked about ever more rarely. A label that was called gone by mistake is listed, so that
 * its messages get it back. An attempt that dies in between asks again.
 *
 * @returns labels to list once history has been applied: see {@link listFreshLabels}
 */
export async function followLabels(
  { store, clock }: ActivityDependencies<LabelStore>,
  session: GmailSession,
  mailbox: MailboxId,
  run: ActivityRun,
): Promise<readonly LabelId[]> {
  const { unlisted, fresh, gone } = await store.saveLabels({
    mailbox,
    labels: await session.listLabels(run.signal),
    now: clock.now(),
  });
  const returned: LabelId[] = [];
  for (const labelId of unlisted.slice(0, MOST)) {
    const page = await listIds(session, { labelIds: [labelId], includeSpamTrash: true, pageToken: null }, run.signal);
    if (page === 'label-gone') await store.removeLabel({ mailbox, labelId, now: clock.now() });
    else if (gone.includes(labelId)) returned.push(labelId);
    else await store.keepLabel({ mailbox, labelId, now: clock.now() });
  }
  return [...fresh, ...returned].slice(0, MOST);
}

/** The labels that one call lists, and their mailbox. */
interface FreshLabels {
  readonly mailbox: MailboxId;
  readonly labelIds: readonly LabelId[];
}

/**
 * Lists each label that labels.list names for the first time, and reads its messages again if they are held without it.
 * labels.list may leave out an existing label just during a recovery, and then nothing else shows which messages carry
 * it. For a label that is really new, history has already brought every message.
 */
export async function listFreshLabels(
  { store, clock }: ActivityDependencies<MailboxRegistry & LabelStore>,
  session: GmailSession,
  { mailbox, labelIds }: FreshLabels,
  run: ActivityRun,
): Promise<void> {
  const scope = (await store.getMailbox(mailbox))?.settings.scope;
  if (scope === undefined) return;
  for (const labelId of labelIds) {
    for await (const page of pagesOf(session, labelListing(scope, labelId), run.signal)) {
      await store.readAgainWithout({ mailbox, labelId, messageIds: page.map(({ id }) => id), now: clock.now() });
    }
    await store.keepLabel({ mailbox, labelId, now: clock.now() });
  }
}
