import { existsSync } from 'node:fs';
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
 * @param request.create - `with-first-record` makes no file until there is something to keep
 * @throws {StoreError} `unavailable` when the file cannot be used
 */
export async function openSqliteCredentialStore({
  path: file,
  create = 'now',
}: {
  readonly path: string;
  readonly create?: 'now' | 'with-first-record';
}): Promise<CredentialStore> {
  const path = file === IN_MEMORY ? file : resolve(file);
  const translated = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw translateSqliteError(error, path, 'credentials');
    }
  };
  const open = (): Promise<CredentialConnection> => translated(() => openCredentials(path));
  const isThere = (): boolean => path === IN_MEMORY || existsSync(path);
  if (create === 'now' || isThere()) return storeOf(await open(), translated);
  let made: Promise<CredentialStore> | null = null;
  const make = (): Promise<CredentialStore> => (made ??= open().then((db) => storeOf(db, translated)));
  // Another program may have made the file meanwhile.
  const held = async (): Promise<CredentialStore | null> => (made !== null || isThere() ? await make() : null);
  return {
    put: async (owner, record) => (await make()).put(owner, record),
    reseal: async (owner, from, sealed) => (await (await held())?.reseal(owner, from, sealed)) ?? false,
    listSealedByOthers: async (keyId) => (await (await held())?.listSealedByOthers(keyId)) ?? [],
    get: async (owner) => (await (await held())?.get(owner)) ?? null,
    delete: async (owner) => (await held())?.delete(owner),
    list: async () => (await (await held())?.list()) ?? [],
    listWebhookSecrets: async () => (await (await held())?.listWebhookSecrets()) ?? [],
    close: async () => (await made)?.close(),
  };
}

type CredentialConnection = ReturnType<typeof openConnection<CredentialSchema>>;

async function openCredentials(path: string): Promise<CredentialConnection> {
  if (path !== IN_MEMORY) {
    makePrivateFile(path);
    // Someone may have copied the file here with wider permissions.
    tighten(path);
  }
  const opened = openConnection<CredentialSchema>(path);
  await whileBusy(() => createCredentialTable(opened, sqliteDialect));
  return opened;
}

const storeOf = (
  db: CredentialConnection,
  translated: <Result>(work: () => Promise<Result>) => Promise<Result>,
): CredentialStore =>
  new SqlCredentialStore({
    transaction: (work) => translated(() => db.transaction().execute(work)),
    close: () => db.destroy(),
  });
