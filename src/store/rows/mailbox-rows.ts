import type { Kysely, Selectable } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import { wantsAttachments, type MailboxSettings } from '../../model/settings.ts';
import { completeSettings, type SomeSettings } from '../../model/settings-change.ts';
import { readConditions, worseCondition } from './condition-columns.ts';
import { fromHistoryIdText } from '../engines/history-id-text.ts';
import type {
  AuditResult,
  Doubt,
  FullSyncProgress,
  MailboxAccount,
  MailboxRow,
  MailboxWatch,
  SettleMark,
} from './mailbox-row.ts';
import { unknownMailbox } from '../engines/mailbox-transaction.ts';
import type { RowRules } from '../rules/row-scope.ts';
import type { MailboxTable } from '../engines/mailbox-tables.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** The mailbox's integer key, for reading. */
export function mailboxKey(database: StoreDatabase, mailbox: MailboxId): Promise<number> {
  return database.read((db) => keyOf(db, mailbox));
}

/** The mailbox's integer key, in a transaction. */
export async function keyOf(db: Kysely<Schema>, mailbox: MailboxId): Promise<number> {
  const row = await db.selectFrom('mailboxes').select('key').where('id', '=', mailbox).executeTakeFirst();
  if (row === undefined) throw unknownMailbox(mailbox);
  return row.key;
}

/** The columns of the mailbox's row. */
export async function mailboxColumns(db: Kysely<Schema>, mailbox: MailboxId): Promise<Selectable<MailboxTable>> {
  const columns = await db.selectFrom('mailboxes').selectAll().where('id', '=', mailbox).executeTakeFirst();
  if (columns === undefined) throw unknownMailbox(mailbox);
  return columns;
}

export function parseSettings(columns: Selectable<MailboxTable>): MailboxSettings {
  return completeSettings(JSON.parse(columns.settings) as SomeSettings);
}

export function parseFullSync(columns: Selectable<MailboxTable>): FullSyncProgress | null {
  return columns.full_sync === null ? null : (JSON.parse(columns.full_sync) as FullSyncProgress);
}

/** The rules for the mailbox's rows in a transaction at `now`. */
export function rulesOf(columns: Selectable<MailboxTable>, now: number): RowRules {
  const settings = parseSettings(columns);
  const { scope, format } = settings;
  return {
    scope,
    format,
    attachments: wantsAttachments(settings),
    floor: scope.limit === null ? null : columns.scope_floor,
    isFloorOpen: scope.limit !== null && mayFindFloor(columns),
    now,
  };
}

/** Where the first listing has not reached the limit, the relisting may. Relistings for a doubt do not count. */
function mayFindFloor(columns: Selectable<MailboxTable>): boolean {
  const progress = parseFullSync(columns);
  if (columns.scope_floor !== null) return progress?.isFloorBelow === true;
  return columns.limit_reached !== 0 || awaitsRelisting(columns) || progress?.step !== 'done';
}

/**
 * Whether the relisting that follows a first listing is still to come. One that follows the doubt of a recovery does
 * not count; a label may be doubted before the relisting.
 */
export const awaitsRelisting = (columns: Selectable<MailboxTable>): boolean =>
  columns.relist_at !== null && (columns.doubt === null || parseFullSync(columns)?.reconciling === false);

/** A row of `mailboxes` as {@link MailboxRow}. */
export function fromMailboxColumns(columns: Selectable<MailboxTable>): MailboxRow {
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
    audit: columns.audit === null ? null : parseAudit(columns.audit),
    watch: columns.watch === null ? null : (JSON.parse(columns.watch) as MailboxWatch),
    account: columns.account === null ? null : (JSON.parse(columns.account) as MailboxAccount),
    renamedFrom: columns.renamed_from as MailboxId | null,
    doubt: doubtOf(columns),
  };
}

/** What is doubted about the mailbox's listings; null while they are believed. */
export const doubtOf = ({ doubt }: Pick<Selectable<MailboxTable>, 'doubt'>): Doubt | null =>
  doubt === null ? null : (JSON.parse(doubt) as Doubt);

/** Earlier versions did not count unconfirmed messages. */
function parseAudit(json: string): AuditResult {
  const stored = JSON.parse(json) as Omit<AuditResult, 'unconfirmed'> & Partial<AuditResult>;
  return { ...stored, unconfirmed: stored.unconfirmed ?? 0 };
}
