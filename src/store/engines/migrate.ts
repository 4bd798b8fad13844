import type { Kysely } from 'kysely';
import type { MigrationProvider } from 'kysely/migration';
import type { StoreDialect } from './dialect.ts';
import { MIGRATION_NAMES } from './migrations/migration-names.ts';
import type { Schema } from './schema.ts';
import { StoreError } from './store-error.ts';

/** `automatic`: opening the database migrates its schema. `manual`: only `tidemark migrate` does. */
export type MigrationMode = 'automatic' | 'manual';

/**
 * Migrates the schema to this program's version, forward only, in one transaction. Any number of processes may do this
 * at once: the migrator takes a lock, and later processes find nothing to do.
 *
 * @returns the names of the migrations that this call ran
 * @throws {StoreError} `newer-schema` when a newer program has migrated the database
 */
export async function migrate(db: Kysely<Schema>, dialect: StoreDialect, name: string): Promise<readonly string[]> {
  if ((await missingMigrations(db, dialect, name)).length === 0) return [];
  const [{ Migrator }, { createMigrations }] = await Promise.all([
    import('kysely/migration'),
    import('./migrations/create-migrations.ts'),
  ]);
  const provider: MigrationProvider = { getMigrations: async () => createMigrations(dialect) };
  // Migrations of two branches do not depend on each other and may be released in either order.
  const migrator = new Migrator({
    db,
    provider,
    allowUnorderedMigrations: true,
    ...(dialect.schema === undefined ? {} : { migrationTableSchema: dialect.schema }),
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error === undefined) return results.map((result) => result.migrationName);
  // A newer program may have migrated the database just before: then this throws a clearer error.
  await missingMigrations(db, dialect, name);
  throw error;
}

/**
 * @throws {StoreError} `older-schema` when the database must be migrated first, `newer-schema` when a newer program has
 * migrated it
 */
export async function requireSchema(db: Kysely<Schema>, dialect: StoreDialect, name: string): Promise<void> {
  const missing = await missingMigrations(db, dialect, name);
  if (missing.length > 0) throw olderSchema(name, missing);
}

/**
 * {@link requireSchema} for a program that only reads.
 *
 * @throws {StoreError} `unavailable` when the database holds no store
 */
export async function requireStore(db: Kysely<Schema>, dialect: StoreDialect, name: string): Promise<void> {
  await requireTables(db, dialect, name);
  await requireSchema(db, dialect, name);
}

/** @throws {StoreError} `unavailable` when the database holds no store of any version */
export async function requireTables(db: Kysely<Schema>, dialect: StoreDialect, name: string): Promise<void> {
  if (!(await dialect.hasTable(db, 'kysely_migration')))
    throw new StoreError(
      { kind: 'unavailable' },
      `The ${name} holds no store of Tidemark's. Name another database, or have the store made.`,
      { remedy: { kind: 'migrate' } },
    );
}

export function olderSchema(name: string, missing: readonly string[]): StoreError {
  return new StoreError(
    { kind: 'older-schema' },
    `The ${name} lacks ${missing.join(', ')} of the schema, and may not be migrated by itself here.`,
    { remedy: { kind: 'migrate' } },
  );
}

async function missingMigrations(db: Kysely<Schema>, dialect: StoreDialect, name: string): Promise<readonly string[]> {
  const executed = await executedMigrations(db, dialect);
  const known: readonly string[] = MIGRATION_NAMES;
  const unknown = executed.filter((migration) => !known.includes(migration));
  if (unknown.length > 0) {
    throw new StoreError(
      { kind: 'newer-schema' },
      `The ${name} was written by a newer Tidemark (schema ${unknown.join(', ')}). Run that version, ` +
        'or restore a backup from before the upgrade.',
    );
  }
  return MIGRATION_NAMES.filter((migration) => !executed.includes(migration));
}

async function executedMigrations(db: Kysely<Schema>, dialect: StoreDialect): Promise<readonly string[]> {
  if (!(await dialect.hasTable(db, 'kysely_migration'))) return [];
  const rows = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute();
  return rows.map((row) => row.name);
}
