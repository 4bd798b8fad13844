import type { Kysely } from 'kysely';
import type { LabelId } from '../../model/ids.ts';
import type { StoreDialect } from '../engines/dialect.ts';
import { fromColumns } from '../rows/message-columns.ts';
import { sortedLabelIds, type MessageRow } from '../rules/message-row.ts';
import type { Schema } from '../engines/schema.ts';

/** Rows per page. Bounds the memory of a walk over a mailbox, and how long the process's other work waits. */
export const ROWS_AT_A_TIME = 1_000;

/** The next rows of a mailbox after `after`, in the order of ids. */
export async function nextMessageRows(db: Kysely<Schema>, key: number, after: string): Promise<readonly MessageRow[]> {
  const rows = await db
    .selectFrom('messages')
    .selectAll()
    .where('mailbox_key', '=', key)
    .where('id', '>', after)
    .orderBy('id')
    .limit(ROWS_AT_A_TIME)
    .execute();
  return rows.map(fromColumns);
}

/** The labels whose listings showed each message after `after`, up to and including `last`. */
export async function listedLabels(
  { db, key, dialect }: { readonly db: Kysely<Schema>; readonly key: number; readonly dialect: StoreDialect },
  after: string,
  last: string,
): Promise<ReadonlyMap<string, readonly LabelId[]>> {
  const rows = await db
    .selectFrom('label_listings')
    .select(['message_id', dialect.joinedLines('label_id').as('label_ids')])
    .where('mailbox_key', '=', key)
    .where('message_id', '>', after)
    .where('message_id', '<=', last)
    .groupBy('message_id')
    .execute();
  return new Map(rows.map((row) => [row.message_id, sortedLabelIds(row.label_ids.split('\n') as LabelId[])]));
}
