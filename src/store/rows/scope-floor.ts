import type { MessageId } from '../../model/ids.ts';
import type { FullSyncProgress } from './mailbox-row.ts';
import { parseFullSync, parseSettings, rulesOf } from './mailbox-rows.ts';
import type { MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { loadRows, writeDifferences, type Difference } from './message-writer.ts';
import { takesPlace } from './takes-place.ts';
import { HELD_STATES } from '../rules/message-row.ts';
import { followScope } from '../rules/row-scope.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

const PAGE = 500;

/**
 * Sets the floor of a scope with a limit. A label operation on a message beyond the limit must not bring that message
 * in, and a label says nothing about age. The floor is the date of the oldest message within the limit, and acts like
 * `after`. The end of a first listing mostly knows the floor. Otherwise it is known once the backfill has read the
 * messages within the limit; if the live lane has yet to read all of them, the first one that is read sets the floor.
 * Older messages that came in before the floor was known leave the scope now.
 */
export async function setScopeFloor(
  database: StoreDatabase,
  locked: MailboxTransaction,
  { now, isReached = locked.columns.limit_reached !== 0 }: { readonly now: number; readonly isReached?: boolean },
): Promise<void> {
  const { columns } = locked;
  if (!isReached || parseSettings(columns).scope.limit === null) return;
  // A floor that is known stays: the scope's settings alone decide over it.
  if (columns.scope_floor !== null) return;
  const floor = await oldestWithin(locked);
  if (floor !== null) await putFloor(database, locked, floor, now);
}

/** The date of the oldest message within the limit that was read; null when none was. */
async function oldestWithin({ tx, key, columns }: MailboxTransaction): Promise<number | null> {
  const { floor } = await tx
    .selectFrom('messages')
    .select((eb) => eb.fn.min('internal_date').as('floor'))
    .where('mailbox_key', '=', key)
    // Messages that have left since the last listing count as well: nothing newer than they are was ever beyond the
    // limit.
    .where((eb) =>
      eb.or([
        eb('state', 'in', HELD_STATES),
        eb('state', 'in', ['gone', 'excluded']).and('listed_generation', '=', columns.listed_generation),
      ]),
    )
    .where((eb) => takesPlace(eb, columns))
    .executeTakeFirstOrThrow();
  return floor;
}

/**
 * Called when rows were written after the backfill: the last message within the limit may have been read, or have left.
 * Either tells the floor of a scope whose first listing knew only a lower bound.
 */
export async function followLastPlace(
  database: StoreDatabase,
  locked: MailboxTransaction,
  written: readonly Difference[],
  now: number,
): Promise<void> {
  if (locked.columns.scope_floor === null) return;
  const progress = parseFullSync(locked.columns);
  const { limit } = parseSettings(locked.columns).scope;
  if (progress?.step !== 'done' || progress.isFloorBelow !== true || limit === null) return;
  if (written.some(({ after }) => after.position === limit - 1)) await settleFloor(database, locked, progress, now);
}

/**
 * Puts the date of the oldest message within the limit in place of a lower bound that the end of a first listing gave
 * (see activities/limit-date.ts), once the last message is read. If that message left unread, the bound stays. Until
 * then, whether an unknown message is within the limit is open (`RowRules.isFloorOpen`).
 */
export async function settleFloor(
  database: StoreDatabase,
  locked: MailboxTransaction,
  { isFloorBelow, ...settled }: FullSyncProgress & { readonly step: 'done' },
  now: number,
): Promise<void> {
  const { tx, key, columns } = locked;
  const bound = columns.scope_floor;
  const { limit } = parseSettings(columns).scope;
  if (isFloorBelow !== true || bound === null || limit === null) return;
  const last = await tx
    .selectFrom('messages')
    .select(['internal_date', 'state'])
    .where('mailbox_key', '=', key)
    .where('listed_generation', '=', columns.listed_generation)
    .where('position', '=', limit - 1)
    .execute();
  const undated = last.filter(({ internal_date: date }) => date === null);
  if (undated.some(({ state }) => state !== 'gone' && state !== 'excluded')) return;
  await locked.updateMailbox({ full_sync: JSON.stringify(settled satisfies FullSyncProgress) });
  if (undated.length === last.length) return;
  const floor = await oldestWithin(locked);
  if (floor !== null && floor > bound) await putFloor(database, locked, floor, now);
}

/** Saves the floor, and puts out of scope what came in from below. */
export async function putFloor(
  database: StoreDatabase,
  locked: MailboxTransaction,
  floor: number,
  now: number,
): Promise<void> {
  const { tx, dialect, key, columns } = locked;
  await locked.updateMailbox({ scope_floor: floor });
  const rules = rulesOf({ ...columns, scope_floor: floor }, now);
  for (let after = ''; ;) {
    const below = await tx
      .selectFrom('messages')
      .select('id')
      .where('mailbox_key', '=', key)
      .where('id', '>', after)
      .where('state', '=', 'stored')
      .where('admitted_generation', 'is', null)
      .where('internal_date', '<', floor)
      .orderBy('id')
      .limit(PAGE)
      .execute();
    const last = below.at(-1);
    if (last === undefined) return;
    const rows = await loadRows(
      { tx, dialect, key },
      below.map((row) => row.id as MessageId),
    );
    await writeDifferences(
      locked,
      [...rows.values()].map((before) => ({ before, after: followScope(before, rules) })),
      now,
    );
    after = last.id;
    await database.breathe();
  }
}
