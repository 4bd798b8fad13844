import { sql, type Transaction } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import type { MethodUsage } from '../../model/quota-ledger.ts';
import { keyOf, mailboxKey } from '../rows/mailbox-rows.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** What the store knows of spent units, for readers. `QuotaLedger` writes it. */
export interface SpentUnits {
  /** Usage by method over the mailbox's life. */
  getUsage(mailbox: MailboxId): Promise<readonly MethodUsage[]>;
  /**
   * Units that all mailboxes of the store spent on a Pacific day (`2026-11-22`). A crash may lose what a session
   * counted within one second.
   */
  unitsOfDay(day: string): Promise<number>;
  /** The document of the quota ledger; null before the first call. */
  getLedger(mailbox: MailboxId): Promise<string | null>;
}

/**
 * See `QuotaLedger.update`. Locks the ledger's row, not the mailbox's: the quota must not wait for the end of
 * a large listing.
 */
export function updateLedger<Result>(
  database: StoreDatabase,
  mailbox: MailboxId,
  change: (ledger: string | null) => { ledger: string; result: Result },
): Promise<Result> {
  return database.write(async (tx) => {
    const key = await keyOf(tx, mailbox);
    // Two first writes may come at once: the empty row gives both something to lock.
    await tx
      .insertInto('ledgers')
      .values({ mailbox_key: key, ledger: '' })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const row = await database.dialect
      .locked(tx.selectFrom('ledgers').select('ledger').where('mailbox_key', '=', key))
      .executeTakeFirstOrThrow();
    const { ledger, result } = change(row.ledger === '' ? null : row.ledger);
    if (ledger !== row.ledger) await tx.updateTable('ledgers').set({ ledger }).where('mailbox_key', '=', key).execute();
    return result;
  });
}

/** See `QuotaLedger.addUsage`. */
export function addUsage(
  database: StoreDatabase,
  mailbox: MailboxId,
  usage: readonly MethodUsage[],
  day: string,
): Promise<void> {
  return database.write(async (tx) => {
    const key = await keyOf(tx, mailbox);
    // Always in the same order: two writers that lock the same rows in opposite orders would deadlock.
    for (const { method, calls, units, rejected, failed } of usage.toSorted((a, b) => (a.method < b.method ? -1 : 1))) {
      await tx
        .insertInto('usage')
        .values({ mailbox_key: key, method, calls, units, rejected, failed })
        .onConflict((conflict) =>
          conflict.columns(['mailbox_key', 'method']).doUpdateSet((eb) => ({
            calls: eb('usage.calls', '+', eb.ref('excluded.calls')),
            units: eb('usage.units', '+', eb.ref('excluded.units')),
            rejected: eb('usage.rejected', '+', eb.ref('excluded.rejected')),
            failed: eb('usage.failed', '+', eb.ref('excluded.failed')),
          })),
        )
        .execute();
    }
    await addToDay(tx, { mailbox_key: key, day, units: usage.reduce((sum, { units }) => sum + units, 0) });
  });
}

/**
 * A new day restarts the counter. Units that a worker with a slow clock counts for an older day are dropped, since that
 * day's budget is over.
 */
async function addToDay(
  tx: Transaction<Schema>,
  counted: { mailbox_key: number; day: string; units: number },
): Promise<void> {
  if (counted.units === 0) return;
  await tx
    .insertInto('day_usage')
    .values(counted)
    .onConflict((conflict) =>
      conflict
        .column('mailbox_key')
        .doUpdateSet((eb) => ({
          day: eb.ref('excluded.day'),
          units: sql<number>`excluded.units + case when day_usage.day = excluded.day then day_usage.units else 0 end`,
        }))
        .whereRef('day_usage.day', '<=', 'excluded.day'),
    )
    .execute();
}

/** See {@link SpentUnits.unitsOfDay}. */
export function unitsOfDay(database: StoreDatabase, day: string): Promise<number> {
  return database.read(async (db) => {
    const { units } = await db
      .selectFrom('day_usage')
      .select(sql<number | string>`coalesce(sum(units), 0)`.as('units'))
      .where('day', '=', day)
      .executeTakeFirstOrThrow();
    // PostgreSQL returns the sum of 64-bit integers as a numeric, hence as text.
    return Number(units);
  });
}

/** See {@link SpentUnits.getUsage}. */
export async function getUsage(database: StoreDatabase, mailbox: MailboxId): Promise<readonly MethodUsage[]> {
  const key = await mailboxKey(database, mailbox);
  return database.read((db) =>
    db
      .selectFrom('usage')
      .select(['method', 'calls', 'units', 'rejected', 'failed'])
      .where('mailbox_key', '=', key)
      .orderBy('method')
      .execute(),
  );
}

/** See {@link SpentUnits.getLedger}. */
export async function getLedger(database: StoreDatabase, mailbox: MailboxId): Promise<string | null> {
  const key = await mailboxKey(database, mailbox);
  const row = await database.read((db) =>
    db.selectFrom('ledgers').select('ledger').where('mailbox_key', '=', key).executeTakeFirst(),
  );
  return row === undefined || row.ledger === '' ? null : row.ledger;
}
