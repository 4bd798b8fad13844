import { continues, type StoreIdentity, type StoreMark } from '../model/store-identity.ts';
import type { MailboxId } from '../model/ids.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';

/** Thrown when a worker's database is not the one that holds the mailbox. */
export class ForeignDatabaseError extends Error {
  override readonly name = 'ForeignDatabaseError';
}

/**
 * Checks the worker's database. Call it before anything else of a mailbox is read or written.
 *
 * @param known - the database that the workflow knows; undefined before it knows one, and from earlier versions
 * @returns which database the worker has
 * @throws {ForeignDatabaseError}
 */
export async function requireDatabase(
  store: Pick<MailboxRegistry, 'identity'>,
  known: StoreMark | undefined,
): Promise<StoreIdentity> {
  const database = await store.identity();
  if (known !== undefined && !continues(database, known)) throw new ForeignDatabaseError();
  return database;
}

export const otherDatabaseText = (mailbox: MailboxId): string =>
  `${mailbox} is mirrored in another database than the one that this worker has: nothing was read or changed`;
