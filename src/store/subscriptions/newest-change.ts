import type { Kysely } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import type { NewestChange } from './subscription-store.ts';

/** See {@link DeliveryStore.newestChange}. */
export function newestChange(database: StoreDatabase, mailbox: MailboxId): Promise<NewestChange | null> {
  return database.read((db) => newestOf(db, mailbox));
}

/** `pruned`: the changes up to this sequence number are not kept any more. */
export async function newestOf(
  db: Kysely<Schema>,
  mailbox: MailboxId,
): Promise<(NewestChange & { readonly pruned: number }) | null> {
  const row = await db
    .selectFrom('mailboxes')
    .select(['key', 'change_sequence', 'pruned_sequence'])
    .where('id', '=', mailbox)
    .executeTakeFirst();
  return row === undefined ? null : { key: row.key, sequence: row.change_sequence, pruned: row.pruned_sequence };
}
