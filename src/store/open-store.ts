import { dirname, join, parse } from 'node:path';
import type { BodyOptions } from './bodies/open-body-store.ts';
import type { MigrationMode } from './engines/migrate.ts';
import type { PostgresOptions } from './engines/postgres-pool.ts';
import { migratePostgres, openPostgresStores } from './postgres-stores.ts';
import { isPostgresUrl, readPostgresUrl } from './engines/postgres-url.ts';
import { openSqliteCredentialStore } from './credentials/sqlite-credential-store.ts';
import { IN_MEMORY, migrateSqlite, openSqliteDatabase } from './engines/sqlite-database.ts';
import { createSqlMailboxStore } from './sql-mailbox-store.ts';
import type { Stores } from './stores.ts';

export type { Stores } from './stores.ts';

/** Thrown when a database URL names nothing that Tidemark can open. */
export class UnsupportedDatabaseError extends Error {
  override readonly name = 'UnsupportedDatabaseError';
}

/** How a database is opened, beside its URL; what concerns connections is PostgreSQL's. */
export interface OpenOptions extends PostgresOptions {
  /** `automatic` unless told otherwise. */
  readonly migration?: MigrationMode;
  /** Where bodies outside the database go; all stay in it when not given. */
  readonly bodies?: BodyOptions;
}

/** Where the files of an embedded database are. */
export interface StoreFiles {
  readonly database: string;
  /** Apart, so that the mirror's file can be copied or handed on without tokens. */
  readonly credentials: string;
  /** Where the key that encrypts the credentials is kept when none is configured; null in memory. */
  readonly keyFile: string | null;
}

const SQLITE = 'sqlite:';

/**
 * Reads the URL of an embedded database: `sqlite:PATH` or `sqlite::memory:`.
 *
 * @throws {UnsupportedDatabaseError} for any other
 */
export function storeFiles(databaseUrl: string): StoreFiles {
  if (!databaseUrl.startsWith(SQLITE)) throw new UnsupportedDatabaseError(unsupported(databaseUrl));
  const path = databaseUrl.slice(SQLITE.length).replace(/^\/\/(?=\/)/, '');
  if (path === IN_MEMORY) return { database: IN_MEMORY, credentials: IN_MEMORY, keyFile: null };
  const { name, ext } = parse(path);
  if (name === '') throw new UnsupportedDatabaseError(`The database URL "${SQLITE}" names no file. Write sqlite:PATH, for example sqlite:data/tidemark.db.`);
  const beside = (file: string) => join(dirname(path), file);
  return { database: path, credentials: beside(`${name}-credentials${ext}`), keyFile: beside(`${name}.key`) };
}

/**
 * Opens the mirror and the credentials that a database URL names: `sqlite:PATH`, `sqlite::memory:` or `postgres://USER@HOST/DATABASE`.
 *
 * @throws {UnsupportedDatabaseError} when the URL is none of them
 * @throws {StoreError} when the database cannot be used
 */
export async function openStores(databaseUrl: string, options: OpenOptions = {}): Promise<Stores> {
  if (isPostgresUrl(databaseUrl)) {
    const { url, password } = postgresAddress(databaseUrl);
    return openPostgresStores(url, { ...options, password: options.password ?? password });
  }
  const files = storeFiles(databaseUrl);
  const database = await openSqliteDatabase(files.database, options.migration ?? 'automatic');
  const store = createSqlMailboxStore(database, options.bodies);
  try {
    return { database, store, credentials: await openSqliteCredentialStore({ path: files.credentials }) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Brings the schema up to this program's, and says what was done.
 *
 * @throws {UnsupportedDatabaseError | StoreError} as {@link openStores}
 */
export async function migrateStores(databaseUrl: string, options: PostgresOptions = {}): Promise<{ readonly place: string; readonly applied: readonly string[] }> {
  if (!isPostgresUrl(databaseUrl)) return migrateSqlite(storeFiles(databaseUrl).database);
  const { url, password } = postgresAddress(databaseUrl);
  return migratePostgres(url, { ...options, password: options.password ?? password });
}

function postgresAddress(databaseUrl: string): { url: string; password: string | null } {
  const address = readPostgresUrl(databaseUrl);
  if (address === null) throw new UnsupportedDatabaseError(`The address of the PostgreSQL database cannot be used. Write ${POSTGRES_URL}`);
  return address;
}

/** What an address of PostgreSQL looks like, for messages. */
export const POSTGRES_URL =
  'postgres://USER@HOST/DATABASE, with ?sslmode=disable, require, verify-ca or verify-full where needed, for example postgres://tidemark@db.internal/tidemark?sslmode=verify-full';

/** Only the scheme is repeated: the rest of a URL may hold a password. */
function unsupported(databaseUrl: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(databaseUrl)?.[0].toLowerCase();
  return `The database URL ${scheme === undefined ? 'has no scheme' : `begins with "${scheme}"`}, which is not supported. Write sqlite:PATH, for example sqlite:data/tidemark.db, or ${POSTGRES_URL}.`;
}
