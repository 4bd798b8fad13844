import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  Kysely,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type Driver,
  type SqliteDatabase,
  type SqliteDialectConfig,
  type SqliteStatement,
} from 'kysely';
import { codeOf } from '../../model/error-code.ts';
import { safeInteger } from './safe-integer.ts';
import { isBusy } from './sqlite-errors.ts';

/** SQLite's own wait blocks the whole process, so it is short. Between two waits the process's other work runs. */
const BUSY_TIMEOUT_MS = 20;
/** About half a minute: longer than the longest transaction, which is the end of a large listing. */
const BUSY_ATTEMPTS = 1_500;
/**
 * About a second, after a writer has waited half a minute in vain. Writers queue, and each would otherwise add another
 * half minute.
 */
const ATTEMPTS_ONCE_LOCKED = 50;
const CACHED_STATEMENTS = 300;

/** `read`: the file must exist, and no statement may change it. */
export type ConnectionMode = 'write' | 'read';

/** What is done with a new connection first. Tests load a migrated database into one in memory. */
export type FirstUse = (database: DatabaseSync) => void;

/**
 * Opens a connection to a SQLite file.
 *
 * `synchronous=NORMAL` in WAL mode: the operating system has a commit when it returns, so a crash of the process loses
 * nothing. A power loss may lose the last commits, but whole ones and in order
 * (https://www.sqlite.org/pragma.html#pragma_synchronous). The mark moves in the transaction that applies the changes
 * up to it, so the file is then an older, consistent store, and history is replayed.
 */
export function openConnection<DB>(path: string, mode: ConnectionMode = 'write', firstUse?: FirstUse): Kysely<DB> {
  let file: DatabaseSync | undefined;
  const database = async (): Promise<SqliteDatabase> => {
    file = mode === 'read' ? openFileToRead(path) : openFile(path, firstUse);
    return adapt(file);
  };
  return new Kysely<DB>({ dialect: new ImmediateSqliteDialect({ database }, () => file?.isTransaction === true) });
}

function openFile(path: string, firstUse?: FirstUse): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  try {
    firstUse?.(database);
    database.exec(`
      pragma page_size = 8192;
      pragma journal_mode = wal;
      pragma synchronous = normal;
      pragma journal_size_limit = 67108864;
      pragma wal_autocheckpoint = 2000;
      pragma cache_size = -4096;
      pragma temp_store = memory;
    `);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/**
 * `mode=rw` creates no file. If this user may only read the file, it is opened for reading. Not SQLite's read-only
 * mode: a connection in it leaves the files of the log behind (https://www.sqlite.org/wal.html#read_only_databases).
 */
function openFileToRead(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set('mode', 'rw');
  const database = new DatabaseSync(url, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec('pragma query_only = on; pragma cache_size = -4096; pragma temp_store = memory;');
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/**
 * Repeats `operation` while another connection holds the lock that it needs. The operation must not have done anything
 * when it fails like this.
 */
export async function whileBusy<Result>(operation: () => Promise<Result>, attempts = BUSY_ATTEMPTS): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation();
    } catch (error) {
      if (!isBusy(error) || attempt >= attempts) throw error;
      // This process may hold the lock itself: give its other work a turn.
      await setImmediate();
    }
  }
}

/**
 * Begins with `BEGIN IMMEDIATE`, which takes the lock before anything is read, so no writer fails because another
 * writer was first.
 */
class ImmediateSqliteDriver extends SqliteDriver {
  readonly #inTransaction: () => boolean;
  #locked = false;

  constructor(config: SqliteDialectConfig, inTransaction: () => boolean) {
    super(config);
    this.#inTransaction = inTransaction;
  }

  /**
   * SQLite rolls back by itself when the disk is full or fails (https://www.sqlite.org/lang_transaction.html). A second
   * rollback would fail and hide the first error.
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (!this.#inTransaction()) return;
    try {
      await super.rollbackTransaction(connection);
    } catch (error) {
      if (this.#inTransaction()) throw error;
    }
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await whileBusy(
        () => connection.executeQuery(CompiledQuery.raw('begin immediate')),
        this.#locked ? ATTEMPTS_ONCE_LOCKED : BUSY_ATTEMPTS,
      );
      this.#locked = false;
    } catch (error) {
      if (isBusy(error)) this.#locked = true;
      throw error;
    }
  }
}

/** SQLite's schema changes are transactional; migrations use that. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class ImmediateSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;
  readonly #inTransaction: () => boolean;

  constructor(config: SqliteDialectConfig, inTransaction: () => boolean) {
    super(config);
    this.#config = config;
    this.#inTransaction = inTransaction;
  }

  override createDriver(): Driver {
    return new ImmediateSqliteDriver(this.#config, this.#inTransaction);
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter();
  }
}

/**
 * Adapts node:sqlite to Kysely, with a cache of prepared statements: preparing most of them costs more than running
 * them.
 */
function adapt(database: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => {
      statements.clear();
      database.close();
    },
    prepare: (text) => {
      const cached = statements.get(text);
      if (cached !== undefined) {
        statements.delete(text);
        statements.set(text, cached);
        return cached;
      }
      const statement = adaptStatement(database, text);
      statements.set(text, statement);
      if (statements.size > CACHED_STATEMENTS) {
        for (const oldest of statements.keys()) {
          statements.delete(oldest);
          break;
        }
      }
      return statement;
    },
  };
}

function adaptStatement(database: DatabaseSync, text: string): SqliteStatement {
  const statement = database.prepare(text);
  // Kysely passes the parameters of typed queries: text, numbers, bytes and null.
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => {
      try {
        return statement.all(...values(parameters));
      } catch (error) {
        if (!isUnsafeInteger(error) || !/^\s*select\b/i.test(text)) throw error;
        return exactly(statement, values(parameters));
      }
    },
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}

const isUnsafeInteger = (error: unknown): boolean => codeOf(error) === 'ERR_OUT_OF_RANGE';

/**
 * Reads rows with integers beyond a number's range, which Gmail may have sent before its values were checked. One such
 * row must not hide the others.
 */
function exactly(statement: StatementSync, values: readonly SQLInputValue[]): Record<string, SQLOutputValue>[] {
  statement.setReadBigInts(true);
  try {
    const narrow = (value: SQLOutputValue): SQLOutputValue => (typeof value === 'bigint' ? safeInteger(value) : value);
    return statement
      .all(...values)
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, narrow(value)])));
  } finally {
    statement.setReadBigInts(false);
  }
}
