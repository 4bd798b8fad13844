import type { Config } from '../config/config.ts';
import { databaseAt } from '../model/database-location.ts';
import { migrateStores, openStores, type OpenOptions, type Stores } from '../store/open-store.ts';

/** Whether a store may be made where there is none. */
export type StoreOpening = Pick<OpenOptions, 'create'>;

/** @throws {StoreError} when the database cannot be used, or does not exist and must not be made */
export function openStoresOf(config: Config, opening: StoreOpening = {}): Promise<Stores> {
  return openStores(config.database.location, { ...openingOf(config), ...opening });
}

/**
 * Opens a database other than the configured one, with the same options. Its password comes from its URL, or else from
 * the configured file.
 *
 * @throws {UnsupportedDatabaseError} when the URL does not name a database
 * @throws {StoreError} when the database cannot be used
 */
export function openStoresAt(config: Config, databaseUrl: string, opening: StoreOpening = {}): Promise<Stores> {
  return openStores(databaseAt(databaseUrl, config.database.access), { ...openingOf(config), ...opening });
}

function openingOf({ database, bodies }: Config): OpenOptions {
  return { migration: database.migration, bodies };
}

/** Brings the schema up to this program's version, whatever `DATABASE_AUTO_MIGRATE` says. */
export function migrateStoresOf({ database }: Config): ReturnType<typeof migrateStores> {
  return migrateStores(database.location);
}
