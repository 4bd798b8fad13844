import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import { postgresDialect } from './dialect.ts';
import { isGivenUp, translatePostgresError } from './postgres-errors.ts';
import type { PostgresLocation } from '../../model/database-location.ts';
import type { ChangeSignal } from './change-signal.ts';
import { PostgresChangeSignal } from './postgres-change-signal.ts';
import { connectForNotifications, createPool, targetOf } from './postgres-pool.ts';
import type { PostgresTarget } from './postgres-url.ts';
import type { Schema } from './schema.ts';
import type { StoreDatabase } from './store-database.ts';
import { StoreError } from './store-error.ts';

/**
 * Attempts at a transaction. Writers of a mailbox take turns on its row's lock, so PostgreSQL hardly ever gives one up.
 */
const ATTEMPTS = 5;

/** A PostgreSQL database behind one pool. */
export class PostgresDatabase implements StoreDatabase {
  readonly dialect = postgresDialect;
  /** How messages name the database: no user, no password. */
  readonly name: string;
  readonly changes: ChangeSignal;
  readonly #db: Kysely<Schema>;
  #closed = false;

  /** Connects with the first query. @throws {StoreError} `unavailable` when a certificate cannot be read */
  constructor(location: PostgresLocation) {
    const target = targetOf(location);
    this.name = nameOf(target);
    this.#db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: () => createPool(target, location) }) });
    this.changes = new PostgresChangeSignal(this.#db, () => connectForNotifications(target, location));
  }

  read<Result>(work: (db: Kysely<Schema>) => Promise<Result>): Promise<Result> {
    return this.#translated(() => work(this.#db));
  }

  /**
   * READ COMMITTED, PostgreSQL's default: each statement sees what was committed before it began. Writers of a mailbox
   * lock its row first, so everything that they read afterwards is as the writer before them left it.
   */
  write<Result>(work: (tx: Transaction<Schema>) => Promise<Result>): Promise<Result> {
    return this.#translated(async () => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await this.#db.transaction().execute(work);
        } catch (error) {
          // A transaction that was given up has done nothing, so it can run again.
          if (!isGivenUp(error) || attempt === ATTEMPTS) throw error;
        }
      }
    });
  }

  /** Does nothing: every query waits for the server and so lets the process's other work run. */
  async breathe(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.changes.close();
    await this.#db.destroy();
  }

  async #translated<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new StoreError({ kind: 'unavailable' }, `The ${this.name} was closed.`);
    try {
      return await work();
    } catch (error) {
      throw translatePostgresError(error, this.name);
    }
  }
}

function nameOf({ host, port, database }: PostgresTarget): string {
  return `PostgreSQL database "${database}" at ${host.startsWith('/') ? host : `${host}:${port}`}`;
}
