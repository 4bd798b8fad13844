import { resolve } from 'node:path';
import { makePrivateFile, tighten } from '../../host/private-files.ts';
import type { CredentialStore } from '../../secrets/credential-store.ts';
import { sqliteDialect } from '../engines/dialect.ts';
import { createCredentialTable, SqlCredentialStore, type CredentialSchema } from './sql-credential-store.ts';
import { openConnection, whileBusy } from '../engines/sqlite-connection.ts';
import { IN_MEMORY } from '../../model/database-location.ts';
import { translateSqliteError } from '../engines/sqlite-errors.ts';

/**
 * Opens the credentials' own SQLite file, readable by its owner only, or keeps them in memory.
 *
 * @throws {StoreError} `unavailable` when the file cannot be used
 */
export async function openSqliteCredentialStore({ path }: { path: string }): Promise<CredentialStore> {
  const place = path === IN_MEMORY ? path : resolve(path);
  const translated = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw translateSqliteError(error, place);
    }
  };
  const db = await translated(async () => {
    if (place !== IN_MEMORY) {
      makePrivateFile(place);
      // Someone may have copied the file here with wider permissions.
      tighten(place);
    }
    const opened = openConnection<CredentialSchema>(place);
    await whileBusy(() => createCredentialTable(opened, sqliteDialect));
    return opened;
  });
  return new SqlCredentialStore({
    transaction: (work) => translated(() => db.transaction().execute(work)),
    close: () => db.destroy(),
  });
}
