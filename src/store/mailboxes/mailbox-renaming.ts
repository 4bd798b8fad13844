import type { MailboxId } from '../../model/ids.ts';
import { buryChain } from '../rows/workflow-chains.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { renameInFilters } from '../subscriptions/subscription-rows.ts';

export interface MailboxRenaming {
  /**
   * Gives a mailbox another id, in one transaction. From then on the former id is unknown, and its writers get `lost`.
   * Mail, changes, settings, counters and ledger belong to the row's key and stay where they are. Repeating the call
   * returns `renamed`.
   *
   * @param request.chain - the first run id of the workflow that was ended under the former id, so that late attempts
   * of it cannot create the mailbox again; null when there was none
   * @returns `unknown` when the store knows no mailbox `from`, `taken` when it knows both
   */
  renameMailbox(request: {
    from: MailboxId;
    to: MailboxId;
    chain: string | null;
    now: number;
  }): Promise<'renamed' | 'unknown' | 'taken'>;
}

/**
 * See {@link MailboxRenaming.renameMailbox}. Every writer finds the mailbox by its id and locks its row. A writer that
 * waits for the lock then finds nothing under the former id. A writer that would create the mailbox (`putMailbox`)
 * meets the buried chain.
 */
export function renameMailbox(
  database: StoreDatabase,
  request: { from: MailboxId; to: MailboxId; chain: string | null; now: number },
): Promise<'renamed' | 'unknown' | 'taken'> {
  const { from, to, chain, now } = request;
  return database.write(async (tx) => {
    const row = await database.dialect
      .locked(tx.selectFrom('mailboxes').select('key').where('id', '=', from))
      .executeTakeFirst();
    const other = await tx.selectFrom('mailboxes').select('renamed_from').where('id', '=', to).executeTakeFirst();
    if (row === undefined) return other?.renamed_from === from ? 'renamed' : 'unknown';
    if (other !== undefined) return 'taken';
    if (chain !== null) await buryChain(tx, chain, now);
    // Versions of credentials count per id, so a version under the new id may equal one that was checked under the
    // former id. The account is forgotten, so that it is checked again.
    await tx
      .updateTable('mailboxes')
      .set({ id: to, renamed_from: from, account: null })
      .where('key', '=', row.key)
      .execute();
    await renameInFilters(tx, from, to);
    return 'renamed';
  });
}
