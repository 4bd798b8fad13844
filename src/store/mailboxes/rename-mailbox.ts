import type { MailboxId } from '../../model/ids.ts';
import { buryChain } from '../rows/workflow-chains.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

export interface MailboxRenaming {
  /**
   * Gives a mailbox another id, in one transaction: from then on the store does not know it under the former one, and refuses every writer with `lost`.
   * Mail, changes, settings, counters and ledger belong to the row's key, so they stay where they are. Doing it again answers `renamed`.
   *
   * @param request.chain - the first run id of the workflow that was ended under the former id, so that what is left of it cannot create
   * the mailbox anew; null when there was none
   * @returns `unknown` when the store knows no mailbox `from`, `taken` when it knows both
   */
  renameMailbox(request: { from: MailboxId; to: MailboxId; chain: string | null; now: number }): Promise<'renamed' | 'unknown' | 'taken'>;
}

/**
 * See {@link MailboxRenaming.renameMailbox}. Every writer finds the mailbox by its id under the lock of its row: one that waits for the lock
 * finds nothing under the former id when it gets it, and one that would create the mailbox (`putMailbox`) meets its chain's tombstone.
 */
export function renameMailbox(database: StoreDatabase, request: { from: MailboxId; to: MailboxId; chain: string | null; now: number }): Promise<'renamed' | 'unknown' | 'taken'> {
  const { from, to, chain, now } = request;
  return database.write(async (tx) => {
    const row = await database.dialect.locked(tx.selectFrom('mailboxes').select('key').where('id', '=', from)).executeTakeFirst();
    const other = await tx.selectFrom('mailboxes').select('renamed_from').where('id', '=', to).executeTakeFirst();
    if (row === undefined) return other?.renamed_from === from ? 'renamed' : 'unknown';
    if (other !== undefined) return 'taken';
    if (chain !== null) await buryChain(tx, chain, now);
    // Credentials are counted per id, so those of the new one may bear a version that was checked under the former: they are asked for their account.
    await tx.updateTable('mailboxes').set({ id: to, renamed_from: from, account: null }).where('key', '=', row.key).execute();
    return 'renamed';
  });
}
