import type { Kysely } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import type { NewestChange } from './delivery-store.ts';

/** See `DeliveryStore.newestChange`. */
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
    .select(['key', 'change_sequence', 'event_sequence', 'pruned_sequence'])
    .where('id', '=', mailbox)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { key, change_sequence: sequence, event_sequence: event, pruned_sequence: pruned } = row;
  return { key, sequence, event, pruned };
}
