import type { BodyOptions } from './bodies/open-body-store.ts';
import type { MigrationMode } from './engines/migrate.ts';
import { createSqlMailboxStore } from './sql-mailbox-store.ts';
import { openSqliteDatabase } from './engines/sqlite-database.ts';
import type { Stores } from './stores.ts';

export type SqliteStore = Stores['store'];

/**
 * Opens the mirror in a SQLite file, creating it and its folder, or in memory.
 *
 * @param options.path a file, or `:memory:`
 * @param options.bodies where bodies outside the database go; all stay in it when not given
 * @param options.migration defaults to `automatic`
 * @throws {StoreError} `unavailable` when the file cannot be used, `newer-schema` when a newer program has written it,
 * `older-schema` when it must be migrated first and `migration` is manual
 */
export async function openSqliteStore({
  path,
  migration = 'automatic',
  bodies,
}: {
  path: string;
  migration?: MigrationMode | undefined;
  bodies?: BodyOptions | undefined;
}): Promise<SqliteStore> {
  return createSqlMailboxStore(await openSqliteDatabase(path, migration), bodies);
}
