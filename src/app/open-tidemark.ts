import { Client, Connection } from '@temporalio/client';

import { forecast } from '../activities/forecast.ts';
import { ServerUnreachableError, toTidemarkError } from '../client/errors.ts';
import type { RenamingAccess } from '../client/rename-mailbox.ts';
import { TidemarkClient } from '../client/tidemark-client.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { PriceTable } from '../model/prices.ts';
import { migrateStores, openStores, storeFiles, type OpenOptions, type Stores } from '../store/open-store.ts';
import type { PostgresOptions } from '../store/engines/postgres-pool.ts';
import { readKeys } from '../secrets/key-source.ts';
import { SecretKeys } from '../secrets/secret-keys.ts';
import { dataConverterOf } from '../temporal/payload-codec.ts';
import { configFor } from '../config/running-start.ts';
import { systemClock } from '../host/system-clock.ts';
import { openTracing, type Tracing } from '../telemetry/open-tracing.ts';
import { readInstance } from '../temporal/dev-server/index.ts';

/** Everything that a program needs to command mailboxes and read their mail. */
export interface Tidemark extends Stores {
  readonly client: TidemarkClient;
  readonly connection: Connection;
  readonly temporal: Client;
  /** Closes the connection and the stores. */
  close(): Promise<void>;
}

/** A server on this machine answers within milliseconds; one far away within seconds. */
const CONNECT_TIMEOUT = { here: 2_000, away: 5_000 };
const HERE = /^(localhost|127\.[\d.]+|\[::1\]):/;
const DEFAULT_TEMPORAL_ADDRESS = 'localhost:7233';

/**
 * Opens the stores and connects to Temporal, as the configuration says.
 *
 * @throws {ServerUnreachableError} when no Temporal server answers within some seconds
 * @throws {StoreError} when the database cannot be used
 * @throws {SecretKeyError} when payloads are to be encrypted and there is no usable key
 */
export async function openTidemark({ config, clock = systemClock }: { config: Config; clock?: Clock }): Promise<Tidemark> {
  const stores = await openStoresOf(config);
  try {
    const connection = await connectTemporal(config);
    const tracing = await openTracing(config.tracing);
    const temporal = await temporalClientOf(config, { connection, clock, tracing });
    const foretold = (mailbox: MailboxId) => forecast({ store: stores.store, prices: priceTableOf(configFor(config, mailbox)), userShare: config.quota.userShare, clock }, mailbox);
    const client = new TidemarkClient({ temporal, ...stores, clock, taskQueue: config.taskQueue, renaming: renamingOf(config, stores, clock), forecast: foretold });
    return {
      ...stores,
      client,
      connection,
      temporal,
      close: async () => {
        await connection.close();
        await closeStores(stores);
        await tracing?.flush();
      },
    };
  } catch (error) {
    await closeStores(stores);
    throw error;
  }
}

/** Loaded when a mailbox is renamed: it talks to Google. */
function renamingOf(config: Config, stores: Stores, clock: Clock): RenamingAccess {
  const access = async ({ from }: { from: MailboxId }): Promise<RenamingAccess> => (await import('../accounts/rename-access.ts')).renamingAccess({ config: configFor(config, from), stores, clock });
  return {
    refusalOf: async (request) => (await access(request)).refusalOf(request),
    copyCredentials: async (request) => (await access(request)).copyCredentials(request),
  };
}

/** A client that reads and writes payloads as the configuration wants them, and takes part in traces. */
export async function temporalClientOf(config: Config, { connection, clock, tracing }: { connection: Connection; clock: Clock; tracing: Tracing | null }): Promise<Client> {
  return new Client({
    connection,
    namespace: config.temporal.namespace,
    interceptors: { workflow: tracing?.clientInterceptors ?? [] },
    dataConverter: await dataConverterOf(config, clock),
  });
}

/** @throws {TidemarkError} when the server does not answer, or refuses */
export async function connectTemporal(config: Config): Promise<Connection> {
  const { namespace, options } = config.temporal;
  const address = temporalAddressOf(config);
  try {
    return await Connection.connect({ ...options, address, connectTimeout: HERE.test(address) ? CONNECT_TIMEOUT.here : CONNECT_TIMEOUT.away });
  } catch (error) {
    const known = toTidemarkError(error, { address, namespace });
    throw known === error ? new ServerUnreachableError(address, { cause: error }) : known;
  }
}

/** The server that is named, else the one that `npm start` runs over the data directory, else Temporal's own default. */
export function temporalAddressOf(config: Config): string {
  return config.temporal.address ?? readInstance(config.dataDir)?.address ?? DEFAULT_TEMPORAL_ADDRESS;
}

/** Without a password. */
export function databaseUrlOf({ database }: Config): string {
  return database.kind === 'sqlite' ? `sqlite:${database.path}` : database.url;
}

export function openStoresOf(config: Config): Promise<Stores> {
  return openStores(databaseUrlOf(config), { ...connectionOf(config), ...openingOf(config) });
}

/** Opens another database than the configured one, in the same way: its password is in its URL, or else in the file that is configured. */
export function openStoresAt(config: Config, databaseUrl: string): Promise<Stores> {
  return openStores(databaseUrl, { ...config.postgres, ...openingOf(config) });
}

function openingOf({ database, bodies }: Config): Pick<OpenOptions, 'migration' | 'bodies'> {
  return { migration: database.autoMigrate ? 'automatic' : 'manual', bodies };
}

/** Brings the schema up to this program's, whatever `DATABASE_AUTO_MIGRATE` says. */
export function migrateStoresOf(config: Config): ReturnType<typeof migrateStores> {
  return migrateStores(databaseUrlOf(config), connectionOf(config));
}

function connectionOf({ database }: Config): PostgresOptions {
  if (database.kind === 'sqlite') return {};
  const { password, passwordFile, caFile, poolSize } = database;
  return { password, passwordFile, caFile, poolSize };
}

export type { Stores };

export async function closeStores({ store, credentials }: Stores): Promise<void> {
  await credentials.close();
  await store.close();
}

/**
 * The keys that encrypt credentials.
 *
 * @throws {SecretKeyError} when there is no usable key
 */
export function secretKeysOf(config: Config, clock: Clock = systemClock): Promise<SecretKeys> {
  return SecretKeys.load({ read: () => readKeys(config.secrets.credentialKeys, ownKeyFileOf(config)), clock });
}

/** The key file beside the embedded database; null with PostgreSQL, where several machines must have the same key. */
export function ownKeyFileOf(config: Config): string | null {
  return config.database.kind === 'sqlite' ? storeFiles(databaseUrlOf(config)).keyFile : null;
}

export function priceTableOf({ quota }: Config): PriceTable {
  const { units, userUnitsPerMinute, projectUnitsPerMinute, projectUnitsPerDay } = quota;
  return { units, userUnitsPerMinute, projectUnitsPerMinute, projectUnitsPerDay };
}
