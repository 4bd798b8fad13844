import type { HistoryId, MailboxId } from '../model/ids.ts';
import { StoreError } from '../store/engines/store-error.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * The row of a mailbox that was opened before. Only opening creates one: a mailbox that was removed or renamed
 * meanwhile must not come back.
 *
 * @throws {StoreError} `lost` when the store has no such row
 */
export async function knownMailbox(
  { store }: Pick<ActivityDependencies<MailboxRegistry>, 'store'>,
  mailbox: MailboxId,
): Promise<MailboxRow> {
  const row = await store.getMailbox(mailbox);
  if (row === null)
    throw lost(
      `the database no longer knows ${mailbox}: it was removed or renamed, ` +
        'or the database was deleted or replaced; then everything is fetched again',
    );
  return row;
}

/**
 * The row of a mailbox whose history is followed.
 *
 * @throws {StoreError} `lost` when the store has no such row, or no mark in it
 */
export async function followedMailbox(
  deps: Pick<ActivityDependencies<MailboxRegistry>, 'store'>,
  mailbox: MailboxId,
): Promise<MailboxRow & { readonly historyId: HistoryId }> {
  const row = await knownMailbox(deps, mailbox);
  const { historyId } = row;
  // An older backup can hold the row of a mailbox whose first listing was still going on.
  if (historyId === null) throw lost(`the database holds ${mailbox} without its mark: everything is listed again`);
  return { ...row, historyId };
}

/** Whether a listing is under way. Until it has ended, the number of messages is unknown. */
export function isListing({ fullSync }: MailboxRow): boolean {
  return fullSync === null || (fullSync.step !== 'fetching' && fullSync.step !== 'done');
}

const lost = (text: string): StoreError => new StoreError({ kind: 'lost' }, text);
