import { databaseUrlOf } from '../config/database-url.ts';
import { closeStores, openStores } from '../store/open-store.ts';
import { examineKeys } from './examine-keys.ts';
import { fault, ok, type Finding } from './finding.ts';
import type { Installation } from './installation.ts';

/** The database and what is in it. Nothing is made and nothing is migrated. */
export async function* examineDatabase(installation: Installation): AsyncGenerator<Finding> {
  const { config } = installation;
  const opened = await openStores(config.database.location, {
    migration: 'manual',
    create: false,
    bodies: config.bodies,
  }).catch((error: unknown) => fault('database', error));
  if ('state' in opened) {
    yield opened;
    return;
  }
  try {
    const stored = (await opened.store.listMailboxes()).length;
    yield ok('database', `${databaseUrlOf(config)}, mailboxes stored: ${stored}.`);
    yield await examineKeys(installation, opened.credentials);
  } catch (error) {
    yield fault('database', error);
  } finally {
    await closeStores(opened);
  }
}
