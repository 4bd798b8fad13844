import type { Kysely } from 'kysely';
import type { Change } from '../../model/change.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { Schema } from '../engines/schema.ts';
import { toChange } from './change-columns.ts';

/** The next changes of a mailbox after a sequence, oldest first. */
export async function changesAfter(
  db: Kysely<Schema>,
  { mailbox, key }: { readonly mailbox: MailboxId; readonly key: number },
  after: number,
  limit: number,
): Promise<readonly Change[]> {
  const rows = await db
    .selectFrom('changes')
    .selectAll()
    .where('mailbox_key', '=', key)
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map((row) => toChange(mailbox, row));
}
