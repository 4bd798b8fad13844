import type { Kysely, Transaction } from 'kysely';
import type { StoreDialect } from './dialect.ts';
import type { Schema } from './schema.ts';

/** A database as the store's queries need it. Errors of the driver come out as {@link StoreError}, mapped in one place. */
export interface StoreDatabase {
  readonly dialect: StoreDialect;
  /** Runs queries that change nothing. They may see the time between two transactions, and never wait for a writer. */
  read<Result>(work: (db: Kysely<Schema>) => Promise<Result>): Promise<Result>;
  /** Runs one transaction; it is rolled back when `work` throws. Not to be nested: the inner one would wait for the outer one. */
  write<Result>(work: (tx: Transaction<Schema>) => Promise<Result>): Promise<Result>;
  /** Lets the process's other work run in the middle of a long transaction. */
  breathe(): Promise<void>;
  close(): Promise<void>;
}
