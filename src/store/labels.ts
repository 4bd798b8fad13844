import type { Label } from '../model/change.ts';
import type { LabelId, MailboxId } from '../model/ids.ts';
import { bulkInsert } from './bulk-insert.ts';
import { mailboxKey } from './mailbox-rows.ts';
import { withMailbox } from './mailbox-transaction.ts';
import type { StoreDatabase } from './store-database.ts';

const LABELS = { table: 'labels', columns: ['mailbox_key', 'id', 'name', 'type'], key: ['mailbox_key', 'id'], onConflict: 'update' } as const;

/** See {@link MailboxStore.saveLabels}. */
export function saveLabels(database: StoreDatabase, request: { mailbox: MailboxId; labels: readonly Label[] }): Promise<{ changed: number }> {
  return withMailbox(database, request.mailbox, async ({ tx, dialect, key }) => {
    const held = await tx.selectFrom('labels').select(['id', 'name', 'type']).where('mailbox_key', '=', key).execute();
    const before = new Map(held.map((label) => [label.id, label]));
    const after = new Map<string, Label>(request.labels.map((label) => [label.id, label]));
    const changed = [...after.values()].filter((label) => before.get(label.id)?.name !== label.name || before.get(label.id)?.type !== label.type);
    const removed = [...before.keys()].filter((id) => !after.has(id));
    await bulkInsert(tx, LABELS, changed.map((label) => [key, label.id, label.name, label.type]));
    if (removed.length > 0) await tx.deleteFrom('labels').where('mailbox_key', '=', key).where(dialect.isOneOf('id', removed)).execute();
    return { changed: changed.length + removed.length };
  });
}

/** See {@link MailboxStore.getLabels}. In the order of ids. */
export async function getLabels(database: StoreDatabase, mailbox: MailboxId): Promise<readonly Label[]> {
  const key = await mailboxKey(database, mailbox);
  const rows = await database.read((db) => db.selectFrom('labels').select(['id', 'name', 'type']).where('mailbox_key', '=', key).orderBy('id').execute());
  return rows.map((row) => ({ id: row.id as LabelId, name: row.name, type: row.type === 'system' ? 'system' : 'user' }));
}
