import { isSchemaOurs } from './migrate.ts';
import type { StoreDatabase } from './store-database.ts';
import { StoreError } from './store-error.ts';

/** See {@link MailboxStore.check}. A rolling upgrade may migrate the database under a program that opened it before. */
export async function checkSchema(database: StoreDatabase): Promise<void> {
  const ours = await database.read((db) => isSchemaOurs(db, database.dialect));
  if (!ours) throw new StoreError({ kind: 'newer-schema' }, 'The database was migrated by a newer Tidemark. Run that version.');
}
