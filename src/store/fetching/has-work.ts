import type { MailboxId } from '../../model/ids.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { keyOf } from '../rows/mailbox-rows.ts';

/** See `WorkStore.hasWork`. Both indexes of work hold only messages that wait. */
export function hasWork(database: StoreDatabase, mailbox: MailboxId): Promise<boolean> {
  return database.read(async (db) => {
    const key = await keyOf(db, mailbox);
    const messages = db.selectFrom('messages').select('id').where('mailbox_key', '=', key).limit(1);
    const waiting = [messages.where('lane', 'is not', null), messages.where('refresh_at', 'is not', null)];
    for (const query of waiting) if ((await query.executeTakeFirst()) !== undefined) return true;
    return false;
  });
}
