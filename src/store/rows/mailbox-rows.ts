import type { Selectable, Transaction } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import { wantsAttachments, type MailboxSettings } from '../../model/settings.ts';
import { completeSettings, type SettingsChange } from '../../model/settings-change.ts';
import { readConditions, withCondition, worseCondition } from './conditions.ts';
import { fromHistoryIdText } from '../engines/history-id-text.ts';
import type { AuditResult, Doubt, FullSyncProgress, MailboxAccount, MailboxRow, MailboxStore, MailboxWatch, SettleMark } from '../mailbox-store.ts';
import { unknownMailbox, withMailbox } from '../engines/mailbox-transaction.ts';
import { requireLivingChain } from '../removal/remove-mailbox.ts';
import type { RowRules } from '../rules/row-scope.ts';
import type { MailboxTable, Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** See {@link MailboxStore.putMailbox}. */
export function putMailbox(
  database: StoreDatabase,
  request: { mailbox: MailboxId; settings: MailboxSettings; replaces?: MailboxSettings; chain?: string; now: number },
): Promise<MailboxRow> {
  const { mailbox, now, replaces, chain } = request;
  const settings = JSON.stringify(request.settings);
  const mayChange = (held: string): boolean => held !== settings && (replaces === undefined || held === JSON.stringify(replaces));
  return database.write(async (tx) => {
    const held = await database.dialect.locked(tx.selectFrom('mailboxes').selectAll().where('id', '=', mailbox)).executeTakeFirst();
    if (held === undefined && chain !== undefined) await requireLivingChain(database, tx, chain, mailbox);
    if (held === undefined) await insertMailbox(tx, mailbox, settings, now);
    else if (mayChange(held.settings)) await tx.updateTable('mailboxes').set({ settings }).where('key', '=', held.key).execute();
    return fromMailboxColumns(await tx.selectFrom('mailboxes').selectAll().where('id', '=', mailbox).executeTakeFirstOrThrow());
  });
}

async function insertMailbox(tx: Transaction<Schema>, mailbox: MailboxId, settings: string, now: number): Promise<void> {
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
    // Two that put a new mailbox at once find no row to lock: the later one changes the settings.
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ settings }))
    .execute();
}

/** See {@link MailboxStore.getMailbox}. */
export async function getMailbox(database: StoreDatabase, mailbox: MailboxId): Promise<MailboxRow | null> {
  const columns = await database.read((db) => db.selectFrom('mailboxes').selectAll().where('id', '=', mailbox).executeTakeFirst());
  return columns === undefined ? null : fromMailboxColumns(columns);
}

/** See {@link MailboxStore.listMailboxes}. Ids without an @ are those of mailboxes that are being removed, or moved here. */
export async function listMailboxes(database: StoreDatabase): Promise<readonly MailboxRow[]> {
  const rows = await database.read((db) => db.selectFrom('mailboxes').selectAll().where('id', 'like', '%@%').orderBy('id').execute());
  return rows.map(fromMailboxColumns);
}

/** See {@link MailboxStore.noteCondition}. */
export function noteCondition(database: StoreDatabase, request: Parameters<MailboxStore['noteCondition']>[0]): Promise<void> {
  return withMailbox(database, request.mailbox, async (locked) => {
    const condition = withCondition(locked.columns.condition, request.lane, request.condition);
    if (condition !== locked.columns.condition) await locked.updateMailbox({ condition });
  });
}

/** See {@link MailboxStore.saveWatch}. */
export function saveWatch(database: StoreDatabase, request: { mailbox: MailboxId; watch: MailboxWatch | null }): Promise<void> {
  return withMailbox(database, request.mailbox, (locked) => locked.updateMailbox({ watch: request.watch === null ? null : JSON.stringify(request.watch) }));
}

/** See {@link MailboxStore.saveDoubt}. */
export function saveDoubt(database: StoreDatabase, request: { mailbox: MailboxId; generation: number; doubt: Doubt | null; relistAt: number | null }): Promise<void> {
  return withMailbox(database, request.mailbox, async (locked) => {
    if (locked.columns.generation !== request.generation) return;
    await locked.updateMailbox({ doubt: request.doubt === null ? null : JSON.stringify(request.doubt), relist_at: request.relistAt });
  });
}

/** See {@link MailboxStore.setRelistAt}. */
export function setRelistAt(database: StoreDatabase, request: { mailbox: MailboxId; generation: number; relistAt: number | null }): Promise<void> {
  return withMailbox(database, request.mailbox, async (locked) => {
    if (locked.columns.generation !== request.generation || locked.columns.relist_at === request.relistAt) return;
    await locked.updateMailbox({ relist_at: request.relistAt });
  });
}

/** The mailbox's integer key, for reading. */
export async function mailboxKey(database: StoreDatabase, mailbox: MailboxId): Promise<number> {
  const row = await database.read((db) => db.selectFrom('mailboxes').select('key').where('id', '=', mailbox).executeTakeFirst());
  if (row === undefined) throw unknownMailbox(mailbox);
  return row.key;
}

export function parseSettings(columns: Selectable<MailboxTable>): MailboxSettings {
  return completeSettings(JSON.parse(columns.settings) as SettingsChange);
}

export function parseFullSync(columns: Selectable<MailboxTable>): FullSyncProgress | null {
  return columns.full_sync === null ? null : (JSON.parse(columns.full_sync) as FullSyncProgress);
}

/** What decides over the mailbox's rows in a transaction at `now`. */
export function rulesOf(columns: Selectable<MailboxTable>, now: number): RowRules {
  const settings = parseSettings(columns);
  const { scope, format } = settings;
  return { scope, format, attachments: wantsAttachments(settings), floor: scope.limit === null ? null : columns.scope_floor, now };
}

function fromMailboxColumns(columns: Selectable<MailboxTable>): MailboxRow {
  const conditions = readConditions(columns.condition);
  return {
    id: columns.id as MailboxId,
    settings: parseSettings(columns),
    historyId: fromHistoryIdText(columns.history_id),
    generation: columns.generation,
    fullSync: parseFullSync(columns),
    marks: JSON.parse(columns.marks) as SettleMark[],
    relistAt: columns.relist_at,
    condition: worseCondition(conditions),
    conditions,
    changeSequence: columns.change_sequence,
    createdAt: columns.created_at,
    syncedAt: columns.synced_at,
    audit: columns.audit === null ? null : (JSON.parse(columns.audit) as AuditResult),
    watch: columns.watch === null ? null : (JSON.parse(columns.watch) as MailboxWatch),
    account: columns.account === null ? null : (JSON.parse(columns.account) as MailboxAccount),
    renamedFrom: columns.renamed_from as MailboxId | null,
    doubt: columns.doubt === null ? null : (JSON.parse(columns.doubt) as Doubt),
  };
}
