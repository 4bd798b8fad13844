import type { DatabaseLocation } from '../model/database-location.ts';
import { postgresDialect } from './engines/dialect.ts';
import { requireStore } from './engines/migrate.ts';
import { PostgresDatabase } from './engines/postgres-database.ts';
import { openSqliteDatabaseToRead } from './engines/sqlite-database.ts';
import type { StoreDatabase } from './engines/store-database.ts';

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
    await database.read((db) => requireStore(db, postgresDialect, database.name));
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
