import { existsSync } from 'node:fs';
import { requirePackagesFor, type BodyOptions } from './bodies/open-body-store.ts';
import type { MigrationMode } from './engines/migrate.ts';
import { migratePostgres, openPostgresStores } from './postgres-stores.ts';
import { IN_MEMORY, type DatabaseLocation } from '../model/database-location.ts';
import { openSqliteCredentialStore } from './credentials/sqlite-credential-store.ts';
import { migrateSqlite, openSqliteDatabase, requireSqliteStore } from './engines/sqlite-database.ts';
import { createSqlMailboxStore } from './sql-mailbox-store.ts';
import { storeFiles } from './store-files.ts';
import type { Stores } from './stores.ts';

export type { Stores } from './stores.ts';

/** How a database is opened. */
export interface OpenOptions {
  /** Defaults to `automatic`. */
  readonly migration?: MigrationMode;
  /**
   * False refuses to make a store where there is none: no folder, no file and no table. An older store is migrated all
   * the same. `in-memory` opens an empty store in memory instead, for a program that would only look; with PostgreSQL
   * it refuses, as false does. True when not given.
   */
  readonly create?: boolean | 'in-memory';
  /** Where bodies outside the database go; all stay in it when not given. */
  readonly bodies?: BodyOptions;
}

/**
 * Opens the mirror and the credentials of a database.
 *
 * @throws {StoreError} when the database cannot be used, or does not exist and must not be made
 * @throws {CannotDoError} when a package that the location or the place of bodies needs is not installed
 * @example await openStores(databaseAt('sqlite:mail.sqlite'))
 */
export async function openStores(location: DatabaseLocation, options: OpenOptions = {}): Promise<Stores> {
  const bodies = options.bodies?.url ?? null;
  if (bodies !== null) requirePackagesFor(bodies);
  if (location.kind === 'postgres') return openPostgresStores(location, options);
  const files = storeFiles(pathToOpen(location.path, options));
  if (options.create === false) await requireSqliteStore(files.database);
  const database = await openSqliteDatabase(files.database, options.migration ?? 'automatic');
  const store = createSqlMailboxStore(database, options.bodies);
  try {
    // A program that makes no store makes this file only when it has something to keep, such as a webhook's secrets.
    const create = options.create === false ? 'with-first-record' : 'now';
    return { database, store, credentials: await openSqliteCredentialStore({ path: files.credentials, create }) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function pathToOpen(path: string, { create }: OpenOptions): string {
  return create === 'in-memory' && !existsSync(path) ? IN_MEMORY : path;
}

export async function closeStores({ store, credentials }: Stores): Promise<void> {
  await credentials.close();
  await store.close();
}

/**
 * Migrates the schema to this program's version, and returns the names of the migrations that ran.
 *
 * @throws {StoreError} as {@link openStores}
 */
export async function migrateStores(
  location: DatabaseLocation,
): Promise<{ readonly name: string; readonly applied: readonly string[] }> {
  return location.kind === 'postgres' ? migratePostgres(location) : migrateSqlite(location.path);
}
