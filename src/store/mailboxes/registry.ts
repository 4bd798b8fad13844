import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from 'kysely';
import type { MailboxRegistry } from './mailbox-registry.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { MailboxId } from '../../model/ids.ts';
import { isSameSettings, type MailboxSettings } from '../../model/settings.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { withCondition } from '../rows/condition-columns.ts';
import type { MailboxRow } from '../rows/mailbox-row.ts';
import { doubtOf, fromMailboxColumns, parseFullSync, parseSettings } from '../rows/mailbox-rows.ts';
import { putFloor, setScopeFloor } from '../rows/scope-floor.ts';
import { requireLivingChain } from '../rows/workflow-chains.ts';

/** See {@link MailboxRegistry.putMailbox}. */
export function putMailbox(
  database: StoreDatabase,
  request: RequestOf<MailboxRegistry, 'putMailbox'>,
): Promise<MailboxRow> {
  const { mailbox, now, replaces, chain } = request;
  const settings = JSON.stringify(request.settings);
  const isReplaced = (held: MailboxSettings): boolean => replaces === undefined || isSameSettings(held, replaces);
  return database.write(async (tx) => {
    const held = await database.dialect
      .locked(tx.selectFrom('mailboxes').selectAll().where('id', '=', mailbox))
      .executeTakeFirst();
    if (held === undefined && chain !== undefined) await requireLivingChain(database, tx, chain, mailbox);
    if (held === undefined) await insertMailbox(tx, mailbox, settings, now);
    else if (held.settings !== settings && isReplaced(parseSettings(held)))
      await tx.updateTable('mailboxes').set({ settings }).where('key', '=', held.key).execute();
    return fromMailboxColumns(
      await tx.selectFrom('mailboxes').selectAll().where('id', '=', mailbox).executeTakeFirstOrThrow(),
    );
  });
}

async function insertMailbox(
  tx: Transaction<Schema>,
  mailbox: MailboxId,
  settings: string,
  now: number,
): Promise<void> {
  await tx
    .insertInto('mailboxes')
    .values({
      id: mailbox,
      settings,
      history_id: null,
      generation: 0,
      listed_generation: 0,
      full_sync: null,
      marks: '[]',
      settled_history_id: null,
      relist_at: null,
      condition: null,
      change_sequence: 0,
      limit_reached: 0,
      scope_floor: null,
      created_at: now,
      synced_at: null,
      audit: null,
      watch: null,
      account: null,
      renamed_from: null,
      doubt: null,
    })
    // Two callers that create the mailbox at once find no row to lock: the later one changes the settings.
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ settings }))
    .execute();
}

/** See {@link MailboxRegistry.getMailbox}. */
export async function getMailbox(database: StoreDatabase, mailbox: MailboxId): Promise<MailboxRow | null> {
  const columns = await database.read((db) =>
    db.selectFrom('mailboxes').selectAll().where('id', '=', mailbox).executeTakeFirst(),
  );
  return columns === undefined ? null : fromMailboxColumns(columns);
}

/** See {@link MailboxRegistry.listMailboxes}. */
export async function listMailboxes(database: StoreDatabase): Promise<readonly MailboxRow[]> {
  const rows = await database.read((db) =>
    db.selectFrom('mailboxes').selectAll().where('id', 'like', READABLE_ID).orderBy('id').execute(),
  );
  return rows.map(fromMailboxColumns);
}

/** See {@link MailboxRegistry.noteCondition}. */
export function noteCondition(
  database: StoreDatabase,
  request: RequestOf<MailboxRegistry, 'noteCondition'>,
): Promise<void> {
  return withMailbox(database, request.mailbox, async (locked) => {
    const condition = withCondition(locked.columns.condition, request.lane, request.condition);
    if (condition !== locked.columns.condition) await locked.updateMailbox({ condition });
  });
}

/** See {@link MailboxRegistry.saveWatch}. */
export function saveWatch(database: StoreDatabase, request: RequestOf<MailboxRegistry, 'saveWatch'>): Promise<void> {
  return withMailbox(database, request.mailbox, (locked) =>
    locked.updateMailbox({ watch: request.watch === null ? null : JSON.stringify(request.watch) }),
  );
}

/** See {@link MailboxRegistry.saveDoubt}. */
export function saveDoubt(
  database: StoreDatabase,
  { mailbox, generation, replaces, doubt, relistAt }: RequestOf<MailboxRegistry, 'saveDoubt'>,
): Promise<boolean> {
  return withMailbox(database, mailbox, async (locked) => {
    const { columns } = locked;
    if (columns.generation !== generation || !isDeepStrictEqual(doubtOf(columns), replaces)) return false;
    await locked.updateMailbox({ doubt: doubt === null ? null : JSON.stringify(doubt), relist_at: relistAt });
    return true;
  });
}

/** See {@link MailboxRegistry.noteLimitReached}. */
export function noteLimitReached(
  database: StoreDatabase,
  { mailbox, generation, floor, now }: RequestOf<MailboxRegistry, 'noteLimitReached'>,
): Promise<void> {
  return withMailbox(database, mailbox, async (locked) => {
    const { columns } = locked;
    if (columns.generation !== generation || columns.scope_floor !== null) return;
    if (columns.limit_reached !== 0 && floor === null) return;
    await locked.updateMailbox({ limit_reached: 1 });
    if (floor !== null) await putFloor(database, locked, floor, now);
    else if (parseFullSync(locked.columns)?.step === 'done')
      await setScopeFloor(database, locked, { now, isReached: true });
  });
}

/** See {@link MailboxRegistry.setRelistAt}. */
export function setRelistAt(
  database: StoreDatabase,
  request: RequestOf<MailboxRegistry, 'setRelistAt'>,
): Promise<void> {
  return withMailbox(database, request.mailbox, async (locked) => {
    if (locked.columns.generation !== request.generation || locked.columns.relist_at === request.relistAt) return;
    await locked.updateMailbox({ relist_at: request.relistAt });
  });
}
