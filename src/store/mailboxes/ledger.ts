import { sql, type Transaction } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import { unknownMailbox } from '../engines/mailbox-transaction.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** Where spent units are written down: the gmail room's `QuotaLedger`, structurally, for the two rooms do not know each other. */
export interface SpendingLedger {
  /**
   * Replaces the mailbox's ledger by what `change` makes of it, atomically over all processes.
   *
   * @throws {StoreError} `lost` when the store does not know the mailbox
   */
  update<Result>(mailbox: MailboxId, change: (ledger: string | null) => { ledger: string; result: Result }): Promise<Result>;
  /** Adds to the mailbox's lifetime counters, and to those of the Pacific day `day` (`2026-11-22`). */
  addUsage(mailbox: MailboxId, usage: readonly MethodCounters[], day: string): Promise<void>;
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
export function addUsage(database: StoreDatabase, mailbox: MailboxId, usage: readonly MethodCounters[], day: string): Promise<void> {
  return database.write(async (tx) => {
    const owner = await tx.selectFrom('mailboxes').select('key').where('id', '=', mailbox).executeTakeFirst();
    if (owner === undefined) throw unknownMailbox(mailbox);
    // In one order, whatever order they come in: two that lock the same rows in opposite orders would wait for each other.
    for (const { method, calls, units, rejected } of usage.toSorted((a, b) => (a.method < b.method ? -1 : 1))) {
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
    await addToDay(tx, { mailbox_key: owner.key, day, units: usage.reduce((sum, { units }) => sum + units, 0) });
  });
}

/** The day's counter begins anew with the day. What a worker whose clock is behind counts for an older day is left out: that day's budget is over. */
async function addToDay(tx: Transaction<Schema>, counted: { mailbox_key: number; day: string; units: number }): Promise<void> {
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

/** See `MailboxRegistry.unitsOfDay`. */
export function unitsOfDay(database: StoreDatabase, day: string): Promise<number> {
  return database.read(async (db) => {
    const { units } = await db
      .selectFrom('day_usage')
      .select(sql<number | string>`coalesce(sum(units), 0)`.as('units'))
      .where('day', '=', day)
      .executeTakeFirstOrThrow();
    // PostgreSQL's sum of 64-bit integers is a numeric, which comes as text.
    return Number(units);
  });
}

/** See `MailboxRegistry.getUsage`. */
export async function getUsage(database: StoreDatabase, mailbox: MailboxId): Promise<readonly MethodCounters[]> {
  const key = await mailboxKey(database, mailbox);
  return database.read((db) =>
    db.selectFrom('usage').select(['method', 'calls', 'units', 'rejected']).where('mailbox_key', '=', key).orderBy('method').execute(),
  );
}

/** See `MailboxRegistry.getLedger`. */
export async function getLedger(database: StoreDatabase, mailbox: MailboxId): Promise<string | null> {
  const key = await mailboxKey(database, mailbox);
  const row = await database.read((db) => db.selectFrom('ledgers').select('ledger').where('mailbox_key', '=', key).executeTakeFirst());
  return row === undefined || row.ledger === '' ? null : row.ledger;
}
