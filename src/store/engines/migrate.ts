import type { Kysely } from 'kysely';
import { Migrator, type MigrationProvider } from 'kysely/migration';
import type { StoreDialect } from './dialect.ts';
import { mirror } from './migrations/0001-mirror.ts';
import { auditTables } from './migrations/0002-audit.ts';
import { postgresStorage } from './migrations/0003-storage.ts';
import { bodiesOutside } from './migrations/0004-bodies-outside.ts';
import { watchColumn } from './migrations/0005-watch.ts';
import { dayUsage } from './migrations/0007-day-usage.ts';
import { attachmentColumns } from './migrations/0008-attachments.ts';
import { lackingColumn } from './migrations/0009-lacking.ts';
import { accountColumns } from './migrations/0010-account.ts';
import { doubtColumns } from './migrations/0011-doubt.ts';
import { changeDetails } from './migrations/0012-change-details.ts';
import { messageHeaders } from './migrations/0013-headers.ts';
import { subscriptionTables } from './migrations/0014-subscriptions.ts';
import { feedTables } from './migrations/0015-feed.ts';
import { formerStores } from './migrations/0016-store-identity.ts';
import { subscriptionTargets } from './migrations/0017-subscription-targets.ts';
import type { Schema } from './schema.ts';
import { StoreError } from './store-error.ts';

/** In the order in which they run. A released name never changes. */
const MIGRATIONS = {
  '0001-mirror': mirror,
  '0002-audit': auditTables,
  '0003-storage': postgresStorage,
  '0004-bodies-outside': bodiesOutside,
  '0005-watch': watchColumn,
  '0007-day-usage': dayUsage,
  '0008-attachments': attachmentColumns,
  '0009-lacking': lackingColumn,
  '0010-account': accountColumns,
  '0011-doubt': doubtColumns,
  '0012-change-details': changeDetails,
  '0013-headers': messageHeaders,
  '0014-subscriptions': subscriptionTables,
  '0015-feed': feedTables,
  '0016-store-identity': formerStores,
  '0017-subscription-targets': subscriptionTargets,
} as const;

/** `automatic`: opening the database migrates its schema. `manual`: only `tidemark migrate` does. */
export type MigrationMode = 'automatic' | 'manual';

/**
 * Migrates the schema to this program's version, forward only, in one transaction. Any number of processes may do this
 * at once: the migrator takes a lock, and later processes find nothing to do.
 *
 * @returns the names of the migrations that this call ran
 * @throws {StoreError} `newer-schema` when a newer program has migrated the database
 */
export async function migrate(db: Kysely<Schema>, dialect: StoreDialect, place: string): Promise<readonly string[]> {
  if ((await missingMigrations(db, dialect, place)).length === 0) return [];
  const provider: MigrationProvider = {
    getMigrations: async () =>
      Object.fromEntries(Object.entries(MIGRATIONS).map(([name, create]) => [name, create(dialect)])),
  };
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
  await missingMigrations(db, dialect, place);
  throw error;
}

/**
 * @throws {StoreError} `older-schema` when the database must be migrated first, `newer-schema` when a newer program has
 * migrated it
 */
export async function requireSchema(db: Kysely<Schema>, dialect: StoreDialect, place: string): Promise<void> {
  const missing = await missingMigrations(db, dialect, place);
  if (missing.length > 0) throw olderSchema(place, missing);
}

/**
 * {@link requireSchema} for a program that only reads.
 *
 * @throws {StoreError} `unavailable` when the database holds no store
 */
export async function requireStore(db: Kysely<Schema>, dialect: StoreDialect, place: string): Promise<void> {
  await requireTables(db, dialect, place);
  await requireSchema(db, dialect, place);
}

/** @throws {StoreError} `unavailable` when the database holds no store of any version */
export async function requireTables(db: Kysely<Schema>, dialect: StoreDialect, place: string): Promise<void> {
  if (!(await dialect.hasTable(db, 'kysely_migration')))
    throw new StoreError(
      { kind: 'unavailable' },
      `The ${place} holds no store of Tidemark's. Name another database, or have the store made.`,
      { remedy: { kind: 'migrate' } },
    );
}

export function olderSchema(place: string, missing: readonly string[]): StoreError {
  return new StoreError(
    { kind: 'older-schema' },
    `The ${place} lacks ${missing.join(', ')} of the schema, and may not be migrated by itself here.`,
    { remedy: { kind: 'migrate' } },
  );
}

async function missingMigrations(db: Kysely<Schema>, dialect: StoreDialect, place: string): Promise<readonly string[]> {
  const executed = await executedMigrations(db, dialect);
  const unknown = executed.filter((name) => !Object.hasOwn(MIGRATIONS, name));
  if (unknown.length > 0) {
    throw new StoreError(
      { kind: 'newer-schema' },
      `The ${place} was written by a newer Tidemark (schema ${unknown.join(', ')}). Run that version, ` +
        'or restore a backup from before the upgrade.',
    );
  }
  return Object.keys(MIGRATIONS).filter((name) => !executed.includes(name));
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
