import { readFileSync } from 'node:fs';
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';
import { requireInstalled } from '../../host/optional-packages.ts';
import type { PostgresLocation } from '../../model/database-location.ts';
import { POSTGRES_SCHEMA } from './dialect.ts';
import { postgresTarget, type PostgresTarget } from './postgres-url.ts';
import { safeInteger } from './safe-integer.ts';
import { StoreError } from './store-error.ts';

const CONNECTS_WITHIN = 20_000;
const IDLE_FOR = 60_000;
/** Seconds after which a connection is replaced, so that no connection stays with a former primary. */
const LIVES_FOR_S = 30 * 60;
/**
 * - `search_path`: unqualified table names mean Tidemark's;
 * - `lock_timeout`: a waiting writer holds a connection of the pool, so it gives up, and its activity is retried;
 * - `idle_in_transaction_session_timeout`: a worker that froze in the middle of a transaction does not lock its
 *   mailbox forever.
 */
const SESSION = `-c search_path=${POSTGRES_SCHEMA} -c lock_timeout=15s -c idle_in_transaction_session_timeout=60s`;

/** https://www.postgresql.org/docs/current/catalog-pg-type.html */
const INT8 = 20;
const NUMERIC = 1700;

/** A connection that waits for notifications. */
export interface Notifications {
  listen(channel: string): Promise<void>;
  onNotification(receive: (payload: string) => void): void;
  /** Called when the connection has ended, by whichever side. */
  onEnd(ended: () => void): void;
  end(): Promise<void>;
}

/** Connects apart from the pool, whose connections come and go. */
export async function connectForNotifications(
  target: PostgresTarget,
  location: PostgresLocation,
): Promise<Notifications> {
  requireInstalled('postgres');
  const { Client } = (await import('pg')).default;
  const client = new Client(connecting(target, location));
  client.on('error', () => undefined);
  await client.connect();
  return {
    listen: async (channel) => {
      await client.query(`listen ${client.escapeIdentifier(channel)}`);
    },
    onNotification: (receive) => {
      client.on('notification', ({ payload = '' }) => receive(payload));
    },
    onEnd: (ended) => {
      client.on('end', ended);
    },
    end: () => client.end().catch(() => undefined),
  };
}

/**
 * Makes the pool when the first query needs it. The driver is loaded only then: an embedded database does without it.
 *
 * @throws {CannotDoError} when the driver is not installed
 */
export async function createPool(target: PostgresTarget, location: PostgresLocation): Promise<PostgresPool> {
  requireInstalled('postgres');
  const { Pool, types } = (await import('pg')).default;
  const pool = new Pool({
    ...connecting(target, location),
    max: location.poolSize,
    options: SESSION,
    idleTimeoutMillis: IDLE_FOR,
    maxLifetimeSeconds: LIVES_FOR_S,
    types: { getTypeParser: typeParserOf(types) },
  });
  // A broken connection leaves the pool by itself, and the next query on it fails. Without these listeners its error
  // event would end the process: the pool reports idle connections only, the client those in a transaction as well.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return { options: pool.options, end: () => pool.end(), connect: async () => new Session(await pool.connect()) };
}

/** How every connection is made. The password is read for each, since its file may change. */
const connecting = (target: PostgresTarget, { password, passwordFile }: PostgresLocation): pg.ClientConfig => ({
  ...target,
  ...(password === null && passwordFile === null
    ? {}
    : { password: () => password?.reveal() ?? readPassword(passwordFile ?? '') }),
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  connectionTimeoutMillis: CONNECTS_WITHIN,
});

/** @throws {StoreError} `unavailable` when a certificate cannot be read */
export function targetOf({ url, caFile }: PostgresLocation): PostgresTarget {
  try {
    return postgresTarget(url, caFile);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError(
      { kind: 'unavailable' },
      `The files that the connection to PostgreSQL needs cannot be used (${reason}). Check DATABASE_CA_FILE, ` +
        'and sslcert and sslkey in DATABASE_URL.',
      { cause: error },
    );
  }
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new StoreError(
      { kind: 'unavailable' },
      `The file ${file} that DATABASE_PASSWORD_FILE names cannot be read. Let this user read it.`,
      { cause: error },
    );
  }
}

/**
 * One use of a connection. It replaces NUL characters, which PostgreSQL's text cannot hold and a snippet or a label's
 * name may contain.
 */
class Session implements PostgresPoolClient {
  readonly #client: pg.PoolClient;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  query<Row>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
  query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  query<Row>(
    asked: string | PostgresCursor<Row>,
    values: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<Row>> | PostgresCursor<Row> {
    if (typeof asked !== 'string') throw new TypeError('the store reads page by page, not by cursors');
    // Kysely's type of a result lists only what it reads; the driver's is wider.
    return this.#client.query(asked, values.map(withoutNul)) as unknown as Promise<PostgresQueryResult<Row>>;
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy);
  }
}

function withoutNul(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNul);
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

const toNumber = (text: string): number => {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  return /^-?\d+$/.test(text) ? safeInteger(BigInt(text)) : number;
};

const typeParserOf =
  ({ getTypeParser }: typeof pg.types): typeof getTypeParser =>
  (type: number, format?: unknown) =>
    type === INT8 || type === NUMERIC ? toNumber : getTypeParser(type, format as 'text');
