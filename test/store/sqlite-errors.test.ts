import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { isBusy, translateSqliteError } from '../../src/store/engines/sqlite-errors.ts';
import { StoreError } from '../../src/store/engines/store-error.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

describe('errors of SQLite', () => {
  const folder = useFolder();

  /** What `work` throws, translated. */
  function translated(work: () => unknown): unknown {
    try {
      work();
    } catch (error) {
      return translateSqliteError(error, 'mirror.db');
    }
    return null;
  }

  function withTable(): DatabaseSync {
    const database = new DatabaseSync(join(folder(), 'mirror.db'));
    database.exec('create table if not exists t (x)');
    return database;
  }

  const FULL = (database: DatabaseSync) => {
    database.exec('pragma max_page_count = 3');
    database.exec(`insert into t values (zeroblob(1000000))`);
  };
  const READ_ONLY = (database: DatabaseSync) => {
    database.exec('pragma query_only = on');
    database.exec('insert into t values (1)');
  };
  const LOCKED_OUT = (database: DatabaseSync) => {
    const other = new DatabaseSync(join(folder(), 'mirror.db'));
    other.exec('begin immediate');
    try {
      database.exec('begin immediate');
    } finally {
      other.close();
    }
  };
  const NO_FOLDER = () => new DatabaseSync(join(folder(), 'missing', 'mirror.db'));
  const NO_DATABASE = () => {
    const path = join(folder(), 'letter');
    writeFileSync(path, 'x'.repeat(4_096));
    chmodSync(path, 0o600);
    new DatabaseSync(path).exec('pragma journal_mode = wal');
  };
  const CLOSED = (database: DatabaseSync) => {
    database.close();
    database.exec('select 1');
  };

  it.for([
    ['a full disk', FULL, 'disk is full'],
    ['a file that may not be written', READ_ONLY, 'read-only'],
    ['a lock', LOCKED_OUT, 'locked by another process'],
    ['a missing folder', NO_FOLDER, 'could not be opened'],
    ['a file that is no database', NO_DATABASE, 'is no SQLite database, or its beginning is damaged'],
    ['a connection that was closed', CLOSED, 'was closed'],
  ] as const)('mean unavailable, and say what is wrong: %s', ([, spoil, reason]) => {
    const error = translated(() => spoil(withTable()));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringContaining(reason) as string,
      cause: expect.any(Error) as Error,
    });
  });

  it('come back as they are when they are mistakes of the program', () => {
    const error = translated(() => withTable().exec('insert into nowhere values (1)'));
    expect(error).not.toBeInstanceOf(StoreError);
    const own = new StoreError({ kind: 'lost' }, 'lost');
    expect(translateSqliteError(own, 'mirror.db')).toBe(own);
  });

  it('are worth waiting for only when another connection holds the lock', () => {
    const thrown = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return error;
      }
    };
    const database = withTable();
    expect(isBusy(thrown(() => LOCKED_OUT(database)))).toBe(true);
    expect(isBusy(thrown(() => FULL(database)))).toBe(false);
    expect(isBusy(new Error('busy'))).toBe(false);
  });
});
