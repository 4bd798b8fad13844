import type { Kysely, Transaction } from 'kysely';
import type { ChangeSignal } from './change-signal.ts';
import type { StoreDialect } from './dialect.ts';
import type { Schema } from './schema.ts';

/** The database behind the store's queries. It turns the driver's errors into `StoreError`. */
export interface StoreDatabase {
  readonly dialect: StoreDialect;
  /** How messages name the database: no user, no password. */
  readonly name: string;
  /** Tells followers of the change feed of commits. */
  readonly changes: ChangeSignal;
  /** Runs queries that change nothing. They never wait for a writer; two of them may see different commits. */
  read<Result>(work: (db: Kysely<Schema>) => Promise<Result>): Promise<Result>;
  /**
   * Runs one transaction, and rolls it back when `work` throws. Must not be nested: the inner transaction would wait
   * for the outer one.
   */
  write<Result>(work: (tx: Transaction<Schema>) => Promise<Result>): Promise<Result>;
  /** Lets the process's other work run in the middle of a long transaction. */
  breathe(): Promise<void>;
  close(): Promise<void>;
}
