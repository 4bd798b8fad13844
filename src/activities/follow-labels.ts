import type { GmailSession } from '../gmail/api/gmail-api.ts';
import { labelListing } from '../gmail/api/scope-listings.ts';
import type { HistoryId, LabelId, MailboxId, MessageId } from '../model/ids.ts';
import type { LabelStore, SavedLabels } from '../store/listing/label-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { Doubt, MailboxRow } from '../store/rows/mailbox-row.ts';
import { countDoubt, nextDoubt, recheckAt } from './listing-doubt.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { isListing } from './known-mailbox.ts';
import { listIds, pagesOf } from './list-ids.ts';
import { compareLabels } from './listing-totals.ts';

/**
 * The most labels that one sync asks about. Each label that labels.list left out, or named for the first time, costs a
 * listing.
 */
const MOST = 20;

/** A label that an earlier listing may have passed over. */
export interface LabelToList {
  readonly labelId: LabelId;
  /** Whether labels.list names it. If not, the label is listed again when it is next asked about. */
  readonly isNamed: boolean;
}

/** Updates the labels' names by labels.list, which shows renames. */
export async function saveNamedLabels(
  { store, clock }: ActivityDependencies<LabelStore>,
  session: GmailSession,
  mailbox: MailboxId,
  run: ActivityRun,
): Promise<SavedLabels> {
  return await store.saveLabels({ mailbox, labels: await session.listLabels(run.signal), now: clock.now() });
}

/**
 * Settles what labels.list did not name: a label that was deleted (history may not say so), or that an odd answer left
 * out. The label's own listing decides: a deleted label is taken off every message, an existing label is asked about
 * ever more rarely. A label that was taken for deleted by mistake, or that only messages have shown so far, is to be
 * listed, so that all its messages get it. An attempt that dies in between asks again.
 *
 * Call it once history has been applied. A message may have got another label of the scope before it lost this one: it
 * would leave the scope, and come back.
 *
 * @returns labels to list: see {@link listFreshLabels}
 */
export async function followUnlisted(
  { store, clock }: ActivityDependencies<LabelStore>,
  session: GmailSession,
  { mailbox, saved: { unlisted, fresh, passedOver } }: { readonly mailbox: MailboxId; readonly saved: SavedLabels },
  run: ActivityRun,
): Promise<readonly LabelToList[]> {
  const toList: LabelToList[] = fresh.map((labelId) => ({ labelId, isNamed: true }));
  for (const labelId of unlisted.slice(0, MOST)) {
    const page = await listIds(session, { labelIds: [labelId], includeSpamTrash: true, pageToken: null }, run.signal);
    if (page === 'label-gone') await store.removeLabel({ mailbox, labelId, now: clock.now() });
    else if (passedOver.includes(labelId)) toList.push({ labelId, isNamed: false });
    else await store.keepLabel({ mailbox, labelId, now: clock.now() });
  }
  return toList.slice(0, MOST);
}

/** The labels that one call lists, and their mailbox. */
interface FreshLabels {
  readonly mailbox: MailboxId;
  readonly labels: readonly LabelToList[];
  /** A head of the mailbox from before the call. */
  readonly since: HistoryId;
}

/**
 * Lists labels that an earlier listing may have passed over. Messages that are held without such a label are read
 * again. If labels.list leaves out an existing label during a recovery, nothing else shows which messages carry it. For
 * a label that is really new, history has already brought every message.
 *
 * Like any listing, a label's may be incomplete, and Gmail's count is its second witness. If the count does not agree,
 * the mailbox's whole listing is doubted, and made again. While a whole listing is under way, the labels wait for the
 * next sync.
 */
export async function listFreshLabels(
  deps: ActivityDependencies<MailboxRegistry & LabelStore>,
  session: GmailSession,
  { mailbox, labels, since }: FreshLabels,
  run: ActivityRun,
): Promise<void> {
  const { store, clock } = deps;
  for (const { labelId, isNamed } of labels) {
    const row = await store.getMailbox(mailbox);
    if (row === null || isListing(row)) return;
    const ids = new Set<MessageId>();
    for await (const page of pagesOf(session, labelListing(row.settings.scope, labelId), run.signal)) {
      for (const { id } of page) ids.add(id);
      await store.readAgainWithout({ mailbox, labelId, messageIds: page.map(({ id }) => id), now: clock.now() });
    }
    await compareWithCount(deps, session, { row, labelId, isNamed, listed: ids.size, since }, run);
    await store.keepLabel({ mailbox, labelId, now: clock.now() });
  }
}

interface FreshListing extends LabelToList {
  readonly row: MailboxRow;
  readonly listed: number;
  readonly since: HistoryId;
}

/**
 * Doubts the listing of a label if Gmail counts more messages under it. A recovery by `minimal` reads every message
 * with all its labels, so it passes over no label.
 */
async function compareWithCount(
  deps: ActivityDependencies<MailboxRegistry>,
  session: GmailSession,
  { row, labelId, isNamed, listed, since }: FreshListing,
  run: ActivityRun,
): Promise<void> {
  const { scope, recovery } = row.settings;
  if (recovery === 'minimal') return;
  const { missing, isUndecided } = await compareLabels(
    { session, scope, counts: { labels: new Map([[labelId, listed]]) }, since, signal: run.signal },
    [labelId],
  );
  if (missing === 0 && !(isUndecided && isNamed)) return;
  await addDoubt(deps, row, missing);
}

/**
 * Adds to the doubt that is stored by now: a relisting of the other lane may have saved another one, or ended it. A
 * whole listing that has begun meanwhile compares every label itself.
 */
async function addDoubt(
  deps: ActivityDependencies<MailboxRegistry>,
  { id: mailbox, generation, doubt: replaces, relistAt }: MailboxRow,
  missing: number,
): Promise<void> {
  const doubt = withUnderLabels(replaces, missing, deps.clock.now());
  const save = { mailbox, generation, replaces, doubt, relistAt: relistAt ?? recheckAt(doubt) };
  if (await deps.store.saveDoubt(save)) return countDoubt(deps, doubt);
  const row = await deps.store.getMailbox(mailbox);
  if (row?.generation === generation) await addDoubt(deps, row, missing);
}

/**
 * One label's listing does not check the whole listing, so an earlier doubt keeps its dates and its number of checks.
 */
function withUnderLabels(before: Doubt | null, missing: number, now: number): Doubt {
  if (before === null) return nextDoubt(null, { uncounted: 0, absent: 0, relabelled: 0, underLabels: missing }, now);
  return { ...before, underLabels: Math.max(before.underLabels ?? 0, missing) };
}
