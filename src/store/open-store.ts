import { requirePackagesFor, type BodyOptions } from './bodies/open-body-store.ts';
import type { MigrationMode } from './engines/migrate.ts';
import { migratePostgres, openPostgresStores } from './postgres-stores.ts';
import type { DatabaseLocation } from '../model/database-location.ts';
import { openSqliteCredentialStore } from './credentials/sqlite-credential-store.ts';
import { migrateSqlite, openSqliteDatabase } from './engines/sqlite-database.ts';
import { createSqlMailboxStore } from './sql-mailbox-store.ts';
import { storeFiles } from './store-files.ts';
import type { Stores } from './stores.ts';

export type { Stores } from './stores.ts';

/** How a database is opened. */
export interface OpenOptions {
  /** Defaults to `automatic`. */
  readonly migration?: MigrationMode;
  /** Where bodies outside the database go; all stay in it when not given. */
  readonly bodies?: BodyOptions;
}

/**
 * Opens the mirror and the credentials of a database.
 *
 * @throws {StoreError} when the database cannot be used
 * @throws {CannotDoError} when a package that the location or the place of bodies needs is not installed
 * @example await openStores(databaseAt('sqlite:mail.sqlite'))
 */
export async function openStores(location: DatabaseLocation, options: OpenOptions = {}): Promise<Stores> {
  const bodies = options.bodies?.url ?? null;
  if (bodies !== null) requirePackagesFor(bodies);
  if (location.kind === 'postgres') return openPostgresStores(location, options);
  const files = storeFiles(location.path);
  const database = await openSqliteDatabase(files.database, options.migration ?? 'automatic');
  const store = createSqlMailboxStore(database, options.bodies);
  try {
    return { database, store, credentials: await openSqliteCredentialStore({ path: files.credentials }) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

export async function closeStores({ store, credentials }: Stores): Promise<void> {
  await credentials.close();
  await store.close();
}

/**
 * Brings the schema up to this program's, and says what was done.
 *
 * @throws {StoreError} as {@link openStores}
 */
export async function migrateStores(
  location: DatabaseLocation,
): Promise<{ readonly place: string; readonly applied: readonly string[] }> {
  return location.kind === 'postgres' ? migratePostgres(location) : migrateSqlite(location.path);
}
