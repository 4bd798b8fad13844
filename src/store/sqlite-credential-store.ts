import { chmodSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Kysely } from 'kysely';
import { mailboxId, type MailboxId } from '../model/ids.ts';
import type { CredentialStore, EncryptedRecord } from './credential-store.ts';
import { openConnection, whileBusy } from './sqlite-connection.ts';
import { createPrivateFile, IN_MEMORY } from './sqlite-database.ts';
import { translateSqliteError } from './sqlite-errors.ts';

interface CredentialSchema {
  /** A deleted record leaves its version behind, so that the next one is newer than all before. */
  credentials: { mailbox_id: string; key_id: string | null; ciphertext: Uint8Array | null; version: number };
}

/**
 * Opens the credentials' own SQLite file, readable by its owner only, or keeps them in memory.
 *
 * @throws {StoreError} `unavailable` when the file cannot be used
 */
export async function openSqliteCredentialStore({ path }: { path: string }): Promise<CredentialStore> {
  const place = path === IN_MEMORY ? path : resolve(path);
  try {
    if (place !== IN_MEMORY) {
      createPrivateFile(place);
      // Someone may have copied the file here with wider permissions.
      chmodSync(place, 0o600);
    }
    const db = openConnection<CredentialSchema>(place);
    await whileBusy(() => createTable(db));
    return new SqliteCredentialStore(db, place);
  } catch (error) {
    throw translateSqliteError(error, place);
  }
}

async function createTable(db: Kysely<CredentialSchema>): Promise<void> {
  await db.schema
    .createTable('credentials')
    .ifNotExists()
    .addColumn('mailbox_id', 'text', (it) => it.primaryKey())
    .addColumn('key_id', 'text')
    .addColumn('ciphertext', 'blob')
    .addColumn('version', 'integer', (it) => it.notNull())
    .execute();
}

class SqliteCredentialStore implements CredentialStore {
  readonly #db: Kysely<CredentialSchema>;
  readonly #place: string;

  constructor(db: Kysely<CredentialSchema>, place: string) {
    this.#db = db;
    this.#place = place;
  }

  put(mailbox: MailboxId, { keyId, ciphertext }: EncryptedRecord): Promise<void> {
    return this.#translated(async (tx) => {
      await tx
        .insertInto('credentials')
        .values({ mailbox_id: mailbox, key_id: keyId, ciphertext, version: 1 })
        .onConflict((conflict) =>
          conflict.column('mailbox_id').doUpdateSet((eb) => ({
            key_id: eb.ref('excluded.key_id'),
            ciphertext: eb.ref('excluded.ciphertext'),
            version: eb('credentials.version', '+', 1),
          })),
        )
        .execute();
    });
  }

  reseal(mailbox: MailboxId, from: EncryptedRecord, { keyId, ciphertext }: Pick<EncryptedRecord, 'keyId' | 'ciphertext'>): Promise<boolean> {
    return this.#translated(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('credentials')
        .set({ key_id: keyId, ciphertext })
        .where('mailbox_id', '=', mailbox)
        .where('version', '=', from.version)
        .where('key_id', '=', from.keyId)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    });
  }

  listSealedByOthers(keyId: string): Promise<readonly MailboxId[]> {
    return this.#translated(async (tx) => {
      const rows = await tx.selectFrom('credentials').select('mailbox_id').where('ciphertext', 'is not', null).where('key_id', '!=', keyId).orderBy('mailbox_id').execute();
      return rows.map((row) => mailboxId(row.mailbox_id));
    });
  }

  get(mailbox: MailboxId): Promise<EncryptedRecord | null> {
    return this.#translated(async (tx) => {
      const row = await tx.selectFrom('credentials').selectAll().where('mailbox_id', '=', mailbox).executeTakeFirst();
      if (row === undefined || row.key_id === null || row.ciphertext === null) return null;
      return { keyId: row.key_id, ciphertext: row.ciphertext, version: row.version };
    });
  }

  delete(mailbox: MailboxId): Promise<void> {
    return this.#translated(async (tx) => {
      await tx.updateTable('credentials').set({ key_id: null, ciphertext: null }).where('mailbox_id', '=', mailbox).execute();
    });
  }

  list(): Promise<readonly MailboxId[]> {
    return this.#translated(async (tx) => {
      const rows = await tx.selectFrom('credentials').select('mailbox_id').where('ciphertext', 'is not', null).orderBy('mailbox_id').execute();
      return rows.map((row) => mailboxId(row.mailbox_id));
    });
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }

  async #translated<Result>(work: (tx: Kysely<CredentialSchema>) => Promise<Result>): Promise<Result> {
    try {
      return await this.#db.transaction().execute(work);
    } catch (error) {
      throw translateSqliteError(error, this.#place);
    }
  }
}
