import type { Transaction } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import { unknownMailbox } from '../engines/mailbox-transaction.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** Buries a workflow's chain of runs, so that no run of the chain creates its mailbox again. */
export async function buryChain(tx: Transaction<Schema>, chain: string, now: number): Promise<void> {
  await tx
    .insertInto('workflow_chains')
    .values({ id: chain, removed_at: now })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ removed_at: now }))
    .execute();
}

/**
 * Refuses to create a mailbox for a workflow that was removed with it. Writes the chain's row first: removal writes the
 * same row, so the two take turns.
 */
export async function requireLivingChain(
  { dialect }: StoreDatabase,
  tx: Transaction<Schema>,
  chain: string,
  mailbox: MailboxId,
): Promise<void> {
  await tx
    .insertInto('workflow_chains')
    .values({ id: chain, removed_at: null })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  const row = await dialect
    .locked(tx.selectFrom('workflow_chains').select('removed_at').where('id', '=', chain))
    .executeTakeFirst();
  if (row !== undefined && row.removed_at !== null) throw unknownMailbox(mailbox);
}
