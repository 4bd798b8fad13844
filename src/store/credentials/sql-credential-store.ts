import type { Kysely } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import type { CredentialStore, EncryptedRecord } from '../../secrets/credential-store.ts';
import { WEBHOOK_SECRETS, type SecretOwner, type WebhookSecretsId } from '../../secrets/secret-owner.ts';
import type { StoreDialect } from '../engines/dialect.ts';

export type CredentialSchema = {
  /**
   * `mailbox_id` is the id of any owner of secrets. The row {@link DELETED} keeps the highest version of deleted
   * records, so that the next record is newer than all of them.
   */
  credentials: { mailbox_id: string; key_id: string | null; ciphertext: Uint8Array | null; version: number };
};

/** The id of the row that keeps the highest version of deleted records. */
const DELETED = '';

/** The database that holds the table of credentials. It turns the driver's errors into StoreError. */
export interface CredentialDatabase {
  transaction<Result>(work: (tx: Kysely<CredentialSchema>) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** Credentials in any SQL database. */
export class SqlCredentialStore implements CredentialStore {
  readonly #database: CredentialDatabase;

  constructor(database: CredentialDatabase) {
    this.#database = database;
  }

  put(owner: SecretOwner, { keyId, ciphertext }: EncryptedRecord): Promise<void> {
    return this.#database.transaction(async (tx) => {
      const deleted = await tx
        .selectFrom('credentials')
        .select('version')
        .where('mailbox_id', '=', DELETED)
        .executeTakeFirst();
      await tx
        .insertInto('credentials')
        .values({ mailbox_id: owner, key_id: keyId, ciphertext, version: (deleted?.version ?? 0) + 1 })
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

  reseal(
    owner: SecretOwner,
    from: EncryptedRecord,
    { keyId, ciphertext }: Pick<EncryptedRecord, 'keyId' | 'ciphertext'>,
  ): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('credentials')
        .set({ key_id: keyId, ciphertext })
        .where('mailbox_id', '=', owner)
        .where('version', '=', from.version)
        .where('key_id', '=', from.keyId)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    });
  }

  listSealedByOthers(keyId: string): Promise<readonly SecretOwner[]> {
    return this.#database.transaction(async (tx) => {
      const rows = await tx
        .selectFrom('credentials')
        .select('mailbox_id')
        .where('ciphertext', 'is not', null)
        .where('key_id', '!=', keyId)
        .orderBy('mailbox_id')
        .execute();
      // Ids were validated when they were written. A rule that has become stricter since must not hide them.
      return rows.map((row) => row.mailbox_id as SecretOwner);
    });
  }

  get(owner: SecretOwner): Promise<EncryptedRecord | null> {
    return this.#database.transaction(async (tx) => {
      const row = await tx.selectFrom('credentials').selectAll().where('mailbox_id', '=', owner).executeTakeFirst();
      if (row === undefined || row.key_id === null || row.ciphertext === null) return null;
      return { keyId: row.key_id, ciphertext: row.ciphertext, version: row.version };
    });
  }

  delete(owner: SecretOwner): Promise<void> {
    return this.#database.transaction(async (tx) => {
      const row = await tx
        .deleteFrom('credentials')
        .where('mailbox_id', '=', owner)
        .returning('version')
        .executeTakeFirst();
      if (row === undefined) return;
      const { version } = row;
      await tx
        .insertInto('credentials')
        .values({ mailbox_id: DELETED, key_id: null, ciphertext: null, version })
        .onConflict((conflict) =>
          conflict.column('mailbox_id').doUpdateSet({ version }).where('credentials.version', '<', version),
        )
        .execute();
    });
  }

  list(): Promise<readonly MailboxId[]> {
    // Ids were validated when they were written. A rule that has become stricter since must not hide them.
    return this.#owners('not like').then((ids) => ids.map((id) => id as MailboxId));
  }

  listWebhookSecrets(): Promise<readonly WebhookSecretsId[]> {
    return this.#owners('like').then((ids) => ids.map((id) => id as WebhookSecretsId));
  }

  #owners(comparison: 'like' | 'not like'): Promise<readonly string[]> {
    return this.#database.transaction(async (tx) => {
      const rows = await tx
        .selectFrom('credentials')
        .select('mailbox_id')
        .where('ciphertext', 'is not', null)
        .where('mailbox_id', comparison, `${WEBHOOK_SECRETS}%`)
        .orderBy('mailbox_id')
        .execute();
      return rows.map((row) => row.mailbox_id);
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/** Creates the table if it does not exist. */
export async function createCredentialTable(
  db: Kysely<CredentialSchema>,
  { textType, blobType, integerType }: Pick<StoreDialect, 'textType' | 'blobType' | 'integerType'>,
): Promise<void> {
  await db.schema
    .createTable('credentials')
    .ifNotExists()
    .addColumn('mailbox_id', textType, (it) => it.primaryKey())
    .addColumn('key_id', textType)
    .addColumn('ciphertext', blobType)
    .addColumn('version', integerType, (it) => it.notNull())
    .execute();
}
