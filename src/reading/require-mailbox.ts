import type { MailboxId } from '../model/ids.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { StoreDatabase } from '../store/engines/store-database.ts';

/**
 * The key of a mailbox.
 *
 * @throws {CannotDoError} `mailbox-unknown`, or `mailbox-renamed` with the address that it has now
 */
export async function requireMailbox(database: StoreDatabase, mailbox: MailboxId): Promise<number> {
  const known = await keyed(database, 'id', mailbox);
  if (known !== undefined) return known.key;
  const renamed = await keyed(database, 'renamed_from', mailbox);
  if (renamed !== undefined)
    throw new CannotDoError(
      'mailbox-renamed',
      `${mailbox} was renamed, and is the mailbox ${renamed.id} now: give that address instead.`,
      { mailbox },
    );
  throw new CannotDoError('mailbox-unknown', `No mail of ${mailbox} is stored in the ${database.name}.`, {
    mailbox,
    remedy: { kind: 'name-database' },
  });
}

const keyed = (database: StoreDatabase, column: 'id' | 'renamed_from', mailbox: MailboxId) =>
  database.read((db) =>
    db.selectFrom('mailboxes').select(['key', 'id']).where(column, '=', mailbox).executeTakeFirst(),
  );
