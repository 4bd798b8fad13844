import type { Kysely } from 'kysely';
import { Migrator, type MigrationProvider } from 'kysely/migration';
import type { StoreDialect } from './dialect.ts';
import { mirror } from './migrations/0001-mirror.ts';
import { auditTables } from './migrations/0002-audit.ts';
import { attachmentColumns } from './migrations/0008-attachments.ts';
import type { Schema } from './schema.ts';
import { StoreError } from './store-error.ts';

/** In the order in which they run. Names are for ever. */
const MIGRATIONS = { '0001-mirror': mirror, '0002-audit': auditTables, '0008-attachments': attachmentColumns } as const;

/**
 * Brings the schema up to this program's, forward only. Two processes may do this at once: the migrator takes the lock.
 *
 * @throws {StoreError} `newer-schema` when a newer program has migrated the database
 */
export async function migrate(db: Kysely<Schema>, dialect: StoreDialect, place: string): Promise<void> {
  const provider: MigrationProvider = {
    getMigrations: async () => Object.fromEntries(Object.entries(MIGRATIONS).map(([name, create]) => [name, create(dialect)])),
  };
  const executed = await executedMigrations(db);
  const unknown = executed.filter((name) => !Object.hasOwn(MIGRATIONS, name));
  if (unknown.length > 0) {
    throw new StoreError(
      { kind: 'newer-schema' },
      `The database ${place} was written by a newer Tidemark (schema ${unknown.join(', ')}). Run that version, or restore a backup from before the upgrade.`,
    );
  }
  if (executed.length === Object.keys(MIGRATIONS).length) return;

  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error;
}

/** Whether the database has had this program's migrations, and no others. */
export async function isSchemaOurs(db: Kysely<Schema>): Promise<boolean> {
  const executed = await executedMigrations(db);
  return executed.length === Object.keys(MIGRATIONS).length && executed.every((name) => Object.hasOwn(MIGRATIONS, name));
}

async function executedMigrations(db: Kysely<Schema>): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === 'kysely_migration')) return [];
  const rows = await db.withTables<{ kysely_migration: { name: string } }>().selectFrom('kysely_migration').select('name').execute();
  return rows.map((row) => row.name);
}
