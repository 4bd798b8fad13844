import { dirname, join, parse } from 'node:path';
import type { BodyOptions } from './bodies/open-body-store.ts';
import type { MigrationMode } from './engines/migrate.ts';
import { migratePostgres, openPostgresStores } from './postgres-stores.ts';
import { IN_MEMORY, type DatabaseLocation } from '../model/database-location.ts';
import { openSqliteCredentialStore } from './credentials/sqlite-credential-store.ts';
import { migrateSqlite, openSqliteDatabase } from './engines/sqlite-database.ts';
import { createSqlMailboxStore } from './sql-mailbox-store.ts';
import type { Stores } from './stores.ts';

export type { Stores } from './stores.ts';

/** How a database is opened. */
export interface OpenOptions {
  /** Defaults to `automatic`. */
  readonly migration?: MigrationMode;
  /** Where bodies outside the database go; all stay in it when not given. */
  readonly bodies?: BodyOptions;
}

/** Where the files of an embedded database are. */
export interface StoreFiles {
  readonly database: string;
  /** A file of its own, so that the mirror's file can be copied or handed on without tokens. */
  readonly credentials: string;
  /** Where the key that encrypts the credentials is kept when none is configured; null in memory. */
  readonly keyFile: string | null;
}

/** @param path - of the database's file, or {@link IN_MEMORY} */
export function storeFiles(path: string): StoreFiles {
  if (path === IN_MEMORY) return { database: IN_MEMORY, credentials: IN_MEMORY, keyFile: null };
  const { name, ext } = parse(path);
  const beside = (file: string) => join(dirname(path), file);
  return { database: path, credentials: beside(`${name}-credentials${ext}`), keyFile: beside(`${name}.key`) };
}

/**
 * Opens the mirror and the credentials of a database.
 *
 * @throws {StoreError} when the database cannot be used
 * @example await openStores(databaseAt('sqlite:mail.sqlite'))
 */
export async function openStores(location: DatabaseLocation, options: OpenOptions = {}): Promise<Stores> {
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
