import { dirname, join, parse } from 'node:path';
import type { CredentialStore } from './credential-store.ts';
import { openSqliteCredentialStore } from './sqlite-credential-store.ts';
import { IN_MEMORY } from './sqlite-database.ts';
import { openSqliteStore, type SqliteStore } from './sqlite-store.ts';

/** Thrown when a database URL names nothing that Tidemark can open. */
export class UnsupportedDatabaseError extends Error {
  override readonly name = 'UnsupportedDatabaseError';
}

export interface Stores {
  readonly store: SqliteStore;
  readonly credentials: CredentialStore;
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
 * Reads a database URL: `sqlite:PATH` or `sqlite::memory:`.
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
 * Opens the mirror and the credentials that a database URL names.
 *
 * @throws {UnsupportedDatabaseError} when the URL is not `sqlite:PATH` or `sqlite::memory:`
 * @throws {StoreError} when the database cannot be used
 */
export async function openStores(databaseUrl: string): Promise<Stores> {
  const files = storeFiles(databaseUrl);
  const store = await openSqliteStore({ path: files.database });
  try {
    return { store, credentials: await openSqliteCredentialStore({ path: files.credentials }) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Only the scheme is repeated: the rest of a URL may hold a password. */
function unsupported(databaseUrl: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(databaseUrl)?.[0].toLowerCase();
  if (scheme === 'postgres:' || scheme === 'postgresql:') {
    return 'A PostgreSQL database comes with PostgreSQL support, which this version does not have yet. Use sqlite:PATH until then.';
  }
  return `The database URL ${scheme === undefined ? 'has no scheme' : `begins with "${scheme}"`}, which is not supported. Write sqlite:PATH, for example sqlite:data/tidemark.db.`;
}
