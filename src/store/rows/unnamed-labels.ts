import type { LabelId } from '../../model/ids.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import type { MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { LABELS, UNNAMED } from './label-columns.ts';

/**
 * Notes labels that messages get although no labels.list has named them. A label can be made and deleted while
 * labels.list does not answer, and no history record says that it is gone. So Gmail is asked about a noted label until
 * labels.list names it or Gmail says that it is gone.
 */
export async function noteUnnamedLabels(
  { tx, dialect, key }: MailboxTransaction,
  labelIds: ReadonlySet<LabelId>,
  now: number,
): Promise<void> {
  if (labelIds.size === 0) return;
  const rows = await tx
    .selectFrom('labels')
    .select('id')
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOf('id', [...labelIds]))
    .execute();
  const known = new Set(rows.map(({ id }) => id));
  await bulkInsert(
    tx,
    LABELS,
    [...labelIds].filter((id) => !known.has(id)).map((id) => [key, id, id, UNNAMED, now, now]),
  );
}
