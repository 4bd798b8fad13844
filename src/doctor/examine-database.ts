import { databaseUrlOf } from '../config/database-url.ts';
import type { MailboxId } from '../model/ids.ts';
import { closeStores, openStores } from '../store/open-store.ts';
import { examineKeys } from './examine-keys.ts';
import { fault, ok, type Finding } from './finding.ts';
import type { Installation } from './installation.ts';

/**
 * The database and what is in it. Nothing is made and nothing is migrated.
 *
 * @returns the stored mailboxes; none where the database cannot be used
 */
export async function* examineDatabase(installation: Installation): AsyncGenerator<Finding, readonly MailboxId[]> {
  const { config } = installation;
  const opened = await openStores(config.database.location, {
    migration: 'manual',
    create: false,
    bodies: config.bodies,
  }).catch((error: unknown) => fault('database', error));
  if ('state' in opened) {
    yield opened;
    return [];
  }
  try {
    const stored = (await opened.store.listMailboxes()).map(({ id }) => id);
    yield ok('database', `${databaseUrlOf(config)}, mailboxes stored: ${stored.length}.`);
    yield await examineKeys(installation, opened.credentials);
    return stored;
  } catch (error) {
    yield fault('database', error);
    return [];
  } finally {
    await closeStores(opened);
  }
}
