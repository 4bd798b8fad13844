import type { DatabaseLocation } from '../model/database-location.ts';
import { postgresDialect } from './engines/dialect.ts';
import { requireStore } from './engines/migrate.ts';
import { PostgresDatabase } from './engines/postgres-database.ts';
import { openSqliteDatabaseToRead } from './engines/sqlite-database.ts';
import type { StoreDatabase } from './engines/store-database.ts';
import { StoreError } from './engines/store-error.ts';

/**
 * Opens the database of a store for reading, and neither creates nor migrates anything.
 *
 * @throws {StoreError} `unavailable` when there is no store, or the database cannot be used; `older-schema` and
 * `newer-schema` when another version has migrated it
 */
export async function openDatabaseToRead(location: DatabaseLocation): Promise<StoreDatabase> {
  if (location.kind === 'sqlite') return openSqliteDatabaseToRead(location.path);
  const database = new PostgresDatabase(location);
  try {
    await database.read((db) => requireStore(db, postgresDialect, database.place));
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Checks that a database holds a store, of this version or an earlier one. Creates nothing.
 *
 * @throws {StoreError} `unavailable` when it holds none
 */
export async function requireStores(location: DatabaseLocation): Promise<void> {
  try {
    await (await openDatabaseToRead(location)).close();
  } catch (error) {
    // Opening it migrates it, or says what to do.
    if (!(error instanceof StoreError && error.failure.kind === 'older-schema')) throw error;
  }
}
