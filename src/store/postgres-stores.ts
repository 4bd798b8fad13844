import { sql, type Kysely, type Transaction } from 'kysely';
import type { PostgresLocation } from '../model/database-location.ts';
import type { BodyOptions } from './bodies/open-body-store.ts';
import { POSTGRES_SCHEMA, postgresDialect } from './engines/dialect.ts';
import {
  migrate,
  olderSchema,
  requireSchema,
  requireTables as requireStoreTables,
  type MigrationMode,
} from './engines/migrate.ts';
import { PostgresDatabase } from './engines/postgres-database.ts';
import type { Schema } from './engines/schema.ts';
import {
  createCredentialTable,
  SqlCredentialStore,
  type CredentialDatabase,
  type CredentialSchema,
} from './credentials/sql-credential-store.ts';
import { createSqlMailboxStore } from './sql-mailbox-store.ts';
import type { Stores } from './stores.ts';

/**
 * Credentials have a schema of their own: readers of the mail need no access to it, and `pg_dump --schema` copies the
 * mirror without them.
 */
const CREDENTIALS = `${POSTGRES_SCHEMA}_credentials`;
/** Any number that nobody else in the database uses for a lock. */
const CREDENTIALS_LOCK = 7_262_419;

/**
 * Opens the mirror and the credentials in one PostgreSQL database, over one pool.
 *
 * @throws {StoreError} `unavailable` when the database cannot be used, `newer-schema` when a newer program has migrated
 * it, `older-schema` when it must be migrated first and `migration` is manual
 */
export async function openPostgresStores(
  location: PostgresLocation,
  options: {
    readonly migration?: MigrationMode;
    readonly create?: boolean | 'in-memory';
    readonly bodies?: BodyOptions;
  },
): Promise<Stores> {
  const database = new PostgresDatabase(location);
  try {
    if (options.create === false || options.create === 'in-memory')
      await database.read((db) => requireStoreTables(db, postgresDialect, database.name));
    if (options.migration === 'manual') await requireTables(database);
    else await createTables(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    database,
    store: createSqlMailboxStore(database, options.bodies),
    credentials: new SqlCredentialStore(credentialsIn(database)),
  };
}

/** Creates or migrates everything. @returns the names of the migrations that were run now */
export async function migratePostgres(
  location: PostgresLocation,
): Promise<{ readonly name: string; readonly applied: readonly string[] }> {
  const database = new PostgresDatabase(location);
  try {
    return { name: database.name, applied: await createTables(database) };
  } finally {
    await database.close();
  }
}

async function createTables(database: PostgresDatabase): Promise<readonly string[]> {
  const applied = await database.read((db) => migrate(db, postgresDialect, database.name));
  if (await hasCredentials(database)) return applied;
  await database.write(async (tx) => {
    // CREATE … IF NOT EXISTS may fail when two processes run it at once, hence the lock. After waiting for it the table
    // may exist, so check again.
    await sql`select pg_advisory_xact_lock(${CREDENTIALS_LOCK}::bigint)`.execute(tx);
    if (await postgresDialect.hasTable(tx, 'credentials', CREDENTIALS)) return;
    await tx.schema.createSchema(CREDENTIALS).ifNotExists().execute();
    await createCredentialTable(credentialTables(tx), postgresDialect);
  });
  return applied;
}

async function requireTables(database: PostgresDatabase): Promise<void> {
  await database.read((db) => requireSchema(db, postgresDialect, database.name));
  if (!(await hasCredentials(database))) throw olderSchema(database.name, ['credentials']);
}

function hasCredentials(database: PostgresDatabase): Promise<boolean> {
  return database.read((db) => postgresDialect.hasTable(db, 'credentials', CREDENTIALS));
}

/** The pool is the mirror's, and ends with it. */
function credentialsIn(database: PostgresDatabase): CredentialDatabase {
  return {
    transaction: (work) => database.write((tx) => work(credentialTables(tx))),
    close: async () => undefined,
  };
}

function credentialTables(tx: Transaction<Schema>): Kysely<CredentialSchema> {
  return tx.withSchema(CREDENTIALS).$extendTables<CredentialSchema>().$pickTables<'credentials'>();
}
