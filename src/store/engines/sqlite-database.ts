import { IN_MEMORY } from '../../model/database-location.ts';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Kysely, Transaction } from 'kysely';
import { makePrivateFile } from '../../host/private-files.ts';
import type { ChangeSignal } from './change-signal.ts';
import { SqliteChangeSignal } from './sqlite-change-signal.ts';
import { sqliteDialect } from './dialect.ts';
import { migrate, requireSchema, requireStore, requireTables, type MigrationMode } from './migrate.ts';
import type { Schema } from './schema.ts';
import { openConnection, whileBusy, type FirstUse } from './sqlite-connection.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import type { StoreDatabase } from './store-database.ts';
import { StoreError } from './store-error.ts';

/** The connections to one file, and how many calls use them. */
interface Connections {
  readonly writer: Kysely<Schema>;
  /** In WAL mode readers and writers do not wait for each other. A database in memory has only one connection. */
  readonly reader: Kysely<Schema>;
  /** Device and inode, null in memory. */
  readonly file: string | null;
  users: number;
  retired: boolean;
}

/**
 * Opens (or creates) the database in a SQLite file. Several processes may share the file.
 *
 * @throws {StoreError} `unavailable` when the file cannot be used, `newer-schema` when a newer program has written it,
 * `older-schema` when it must be migrated first and `migration` is manual
 */
export async function openSqliteDatabase(
  path: string,
  migration: MigrationMode,
  firstUse?: FirstUse,
): Promise<StoreDatabase> {
  const database = new SqliteDatabase(absolute(path), migration, firstUse);
  await database.read(async () => undefined);
  return database;
}

/**
 * Opens the database in a SQLite file for reading. Creates neither the file nor its folder, and changes nothing but the
 * positions of the change feed, when it is followed.
 *
 * @throws {StoreError} `unavailable` when there is no store in the file or it cannot be used, `newer-schema` and
 * `older-schema` when another version has written it
 */
export async function openSqliteDatabaseToRead(path: string): Promise<StoreDatabase> {
  const database = new SqliteDatabase(absolute(path), 'read');
  await database.read(async () => undefined);
  return database;
}

/**
 * Checks that a file holds a store. Creates and changes nothing.
 *
 * @throws {StoreError} `unavailable` when there is no store in the file, or it cannot be used
 */
export async function requireSqliteStore(file: string): Promise<void> {
  const path = absolute(file);
  if (path === IN_MEMORY) return;
  try {
    requireFile(path);
    const reader = openConnection<Schema>(path, 'read');
    try {
      await whileBusy(() => requireTables(reader, sqliteDialect, nameOf(path)));
    } finally {
      await reader.destroy();
    }
  } catch (error) {
    throw translateSqliteError(error, path);
  }
}

/** Creates or migrates the database in a file. @returns the names of the migrations that were run now */
export async function migrateSqlite(
  file: string,
): Promise<{ readonly name: string; readonly applied: readonly string[] }> {
  const path = absolute(file);
  try {
    const { connections, applied } = await open(path, 'automatic');
    await retire(connections);
    return { name: nameOf(path), applied };
  } catch (error) {
    throw translateSqliteError(error, path);
  }
}

function nameOf(path: string): string {
  return `database ${path}`;
}

function absolute(path: string): string {
  return path === IN_MEMORY ? IN_MEMORY : resolve(path);
}

/** `read`: the file must exist, and its schema is not changed. */
type Opening = MigrationMode | 'read';

class SqliteDatabase implements StoreDatabase {
  readonly dialect = sqliteDialect;
  readonly changes: ChangeSignal;
  readonly #path: string;
  #current: Promise<Connections> | null = null;
  #closed = false;
  readonly #opening: Opening;
  readonly #firstUse: FirstUse | undefined;

  constructor(path: string, opening: Opening, firstUse?: FirstUse) {
    this.#path = path;
    this.#opening = opening;
    this.#firstUse = firstUse;
    this.changes = new SqliteChangeSignal(path);
  }

  get name(): string {
    return nameOf(this.#path);
  }

  read<Result>(work: (db: Kysely<Schema>) => Promise<Result>): Promise<Result> {
    return this.#use(({ reader }) => whileBusy(() => work(reader)));
  }

  write<Result>(work: (tx: Transaction<Schema>) => Promise<Result>): Promise<Result> {
    return this.#use(({ writer }) => writer.transaction().execute(work));
  }

  async breathe(): Promise<void> {
    await setImmediate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.changes.close();
    const current = this.#current;
    this.#current = null;
    if (current !== null) await retire(await current);
  }

  async #use<Result>(work: (connections: Connections) => Promise<Result>): Promise<Result> {
    try {
      if (this.#closed) throw new StoreError({ kind: 'unavailable' }, `The database ${this.#path} was closed.`);
      const connections = await this.#take();
      try {
        return await work(connections);
      } finally {
        connections.users -= 1;
        if (connections.retired) await retire(connections);
      }
    } catch (error) {
      throw translateSqliteError(error, this.#path);
    }
  }

  async #open(): Promise<Connections> {
    return (await open(this.#path, this.#opening, this.#firstUse)).connections;
  }

  /**
   * Returns the open connections and counts them as in use. SQLite would go on writing to a file that was deleted or
   * replaced, which nobody will ever read. One stat a call (some microseconds) detects that, and the next call opens
   * the new file.
   */
  async #take(): Promise<Connections> {
    const opening = (this.#current ??= this.#open());
    let connections: Connections;
    try {
      connections = await opening;
    } catch (error) {
      if (this.#current === opening) this.#current = null;
      throw error;
    }
    if (connections.file === null || connections.file === identity(this.#path)) {
      connections.users += 1;
      return connections;
    }
    if (this.#current === opening) this.#current = null;
    await retire(connections);
    throw new StoreError(
      { kind: 'lost' },
      `The database file ${this.#path} was deleted or replaced while it was in use. ` +
        'What is there now is used from the next call on.',
    );
  }
}

async function open(
  path: string,
  opening: Opening,
  firstUse?: FirstUse,
): Promise<{ connections: Connections; applied: readonly string[] }> {
  return opening === 'read'
    ? { connections: await openToRead(path), applied: [] }
    : openToWrite(path, opening, firstUse);
}

async function openToRead(path: string): Promise<Connections> {
  const file = requireFile(path);
  const reader = openConnection<Schema>(path, 'read');
  try {
    await whileBusy(() => requireStore(reader, sqliteDialect, nameOf(path)));
    // Opened by the first write, which only a follower of the change feed does.
    return { writer: openConnection<Schema>(path), reader, file, users: 0, retired: false };
  } catch (error) {
    await reader.destroy();
    throw error;
  }
}

async function openToWrite(
  path: string,
  migration: MigrationMode,
  firstUse?: FirstUse,
): Promise<{ connections: Connections; applied: readonly string[] }> {
  const inMemory = path === IN_MEMORY;
  // Only the owner may read mail. SQLite gives the files beside it (WAL, shared memory) the same permissions.
  if (!inMemory) makePrivateFile(path);
  // Read before opening: if the file is replaced in between, the next call detects it.
  const file = inMemory ? null : identity(path);
  const writer = openConnection<Schema>(path, 'write', firstUse);
  const reader = inMemory ? writer : openConnection<Schema>(path);
  try {
    const applied = await whileBusy(async () => {
      if (migration === 'automatic') return migrate(writer, sqliteDialect, nameOf(path));
      await requireSchema(writer, sqliteDialect, nameOf(path));
      return [];
    });
    return { connections: { writer, reader, file, users: 0, retired: false }, applied };
  } catch (error) {
    await writer.destroy();
    throw error;
  }
}

/** Closes the connections once nobody uses them any more. */
async function retire(connections: Connections): Promise<void> {
  connections.retired = true;
  if (connections.users > 0) return;
  if (connections.reader !== connections.writer) await connections.reader.destroy();
  await connections.writer.destroy();
}

function requireFile(path: string): string | null {
  const file = path === IN_MEMORY ? 'none' : identity(path);
  if (file !== 'none') return file;
  throw new StoreError({ kind: 'unavailable' }, `There is no file ${path}, and so no store to read.`, {
    remedy: { kind: 'make-store' },
  });
}

function identity(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.dev}:${stat.ino}`;
}
