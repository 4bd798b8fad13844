import { requireSchema } from './migrate.ts';
import type { StoreDatabase } from './store-database.ts';

/** See `MailboxStore.check`. A rolling upgrade may migrate the database under a program that opened it before. */
export function checkSchema(database: StoreDatabase): Promise<void> {
  return database.read((db) => requireSchema(db, database.dialect, 'database'));
}
