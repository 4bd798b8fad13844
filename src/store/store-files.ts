import { dirname, join, parse } from 'node:path';

import { IN_MEMORY } from '../model/database-location.ts';

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
