import type { MailboxId } from '../model/ids.ts';
import { mailboxKey } from './mailbox-rows.ts';
import { unknownMailbox } from './mailbox-transaction.ts';
import type { StoreDatabase } from './store-database.ts';

/** Where spent units are written down: the gmail room's `QuotaLedger`, structurally, for the two rooms do not know each other. */
export interface SpendingLedger {
  /**
   * Replaces the mailbox's ledger by what `change` makes of it, atomically over all processes.
   *
   * @throws {StoreError} `lost` when the store does not know the mailbox
   */
  update<Result>(mailbox: MailboxId, change: (ledger: string | null) => { ledger: string; result: Result }): Promise<Result>;
  /** Adds to the mailbox's lifetime counters. */
  addUsage(mailbox: MailboxId, usage: readonly MethodCounters[]): Promise<void>;
}

export interface MethodCounters {
  readonly method: string;
  readonly calls: number;
  readonly units: number;
  readonly rejected: number;
}

/** See {@link SpendingLedger.update}. The mailbox's row is not locked: the quota must not wait for the end of a large listing. */
export function updateLedger<Result>(
  database: StoreDatabase,
  mailbox: MailboxId,
  change: (ledger: string | null) => { ledger: string; result: Result },
): Promise<Result> {
  return database.write(async (tx) => {
    const owner = await tx.selectFrom('mailboxes').select('key').where('id', '=', mailbox).executeTakeFirst();
    if (owner === undefined) throw unknownMailbox(mailbox);
    // The first write of two may come at once: the empty row gives both something to lock.
    await tx
      .insertInto('ledgers')
      .values({ mailbox_key: owner.key, ledger: '' })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const row = await database.dialect.locked(tx.selectFrom('ledgers').select('ledger').where('mailbox_key', '=', owner.key)).executeTakeFirstOrThrow();
    const { ledger, result } = change(row.ledger === '' ? null : row.ledger);
    if (ledger !== row.ledger) await tx.updateTable('ledgers').set({ ledger }).where('mailbox_key', '=', owner.key).execute();
    return result;
  });
}

/** See {@link SpendingLedger.addUsage}. */
export function addUsage(database: StoreDatabase, mailbox: MailboxId, usage: readonly MethodCounters[]): Promise<void> {
  return database.write(async (tx) => {
    const owner = await tx.selectFrom('mailboxes').select('key').where('id', '=', mailbox).executeTakeFirst();
    if (owner === undefined) throw unknownMailbox(mailbox);
    for (const { method, calls, units, rejected } of usage) {
      await tx
        .insertInto('usage')
        .values({ mailbox_key: owner.key, method, calls, units, rejected })
        .onConflict((conflict) =>
          conflict.columns(['mailbox_key', 'method']).doUpdateSet((eb) => ({
            calls: eb('usage.calls', '+', eb.ref('excluded.calls')),
            units: eb('usage.units', '+', eb.ref('excluded.units')),
            rejected: eb('usage.rejected', '+', eb.ref('excluded.rejected')),
          })),
        )
        .execute();
    }
  });
}

/** See {@link MailboxStore.getUsage}. */
export async function getUsage(database: StoreDatabase, mailbox: MailboxId): Promise<readonly MethodCounters[]> {
  const key = await mailboxKey(database, mailbox);
  return database.read((db) =>
    db.selectFrom('usage').select(['method', 'calls', 'units', 'rejected']).where('mailbox_key', '=', key).orderBy('method').execute(),
  );
}
