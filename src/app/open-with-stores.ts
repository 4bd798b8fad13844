import type { Client } from '@temporalio/client';

import type { RenamingAccess } from '../client/rename-mailbox.ts';
import { TidemarkClient } from '../client/tidemark-client.ts';
import type { Config } from '../config/config.ts';
import { priceTableOf } from '../config/quota-variables.ts';
import { configFor } from '../config/running-start.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import { systemClock } from '../host/system-clock.ts';
import type { Clock } from '../model/clock.ts';
import type { PricedForecast } from '../model/forecast.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Reader } from '../reading/open-reader.ts';
import type { Stores } from '../store/stores.ts';
import { openTracing } from '../telemetry/open-tracing.ts';
import { previewAccess } from './preview-access.ts';
import { webhookAccess } from './webhooks-of-config.ts';
import { connectTemporal, temporalClientOf } from '../temporal/connect.ts';

/** What Tidemark's own programs need to command mailboxes and read their mail. An application gets less of it. */
export interface TidemarkWithStores extends Stores {
  readonly client: TidemarkClient;
  readonly reader: Reader;
  readonly temporal: Client;
  /** Closes the connection and the stores. */
  close(): Promise<void>;
}

export interface OpeningWithStores {
  readonly config: Config;
  readonly clock?: Clock;
  /** False refuses to make a store where there is none; `in-memory` makes an empty one that is gone afterwards. */
  readonly create?: boolean | 'in-memory';
  /** Gives tokens in place of stored credentials, wherever Gmail is asked. */
  readonly tokenProvider?: TokenProvider | undefined;
  /** A client whose connection somebody else closes, instead of a client that the configuration describes. */
  readonly temporal?: Client | undefined;
}

/**
 * Opens the stores and connects to Temporal, as the configuration says.
 *
 * @throws {ServerUnreachableError} when no Temporal server answers within some seconds
 * @throws {StoreError} when the database cannot be used
 * @throws {SecretKeyError} when payloads are to be encrypted and there is no usable key
 */
export async function openWithStores({
  config,
  clock = systemClock,
  create = true,
  tokenProvider,
  temporal: given,
}: OpeningWithStores): Promise<TidemarkWithStores> {
  // Loaded now: a program that only imports Tidemark need not wait for the database's modules.
  const { openDatabase } = await import('./open-database.ts');
  const database = await openDatabase(config, { create });
  const { stores, reader } = database;
  try {
    const { temporal, disconnect } =
      given === undefined ? await connected(config, clock) : { ...NOT_OURS, temporal: given };
    const client = new TidemarkClient({
      temporal,
      ...stores,
      clock,
      taskQueue: config.taskQueue,
      renaming: renamingOf({ config, stores, clock, tokenProvider }),
      forecast: forecastOf(config, stores, clock),
      previewing: previewAccess({ config, stores, clock, tokenProvider }),
      webhooks: webhookAccess(config, stores, clock),
    });
    return {
      ...stores,
      reader,
      client,
      temporal,
      close: async () => {
        await disconnect();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

interface Connected {
  readonly temporal: Client;
  readonly disconnect: () => Promise<void>;
}

const NOT_OURS: Pick<Connected, 'disconnect'> = { disconnect: () => Promise.resolve() };

async function connected(config: Config, clock: Clock): Promise<Connected> {
  const connection = await connectTemporal(config);
  const tracing = await openTracing(config.tracing);
  return {
    temporal: await temporalClientOf(config, { connection, clock, tracing }),
    disconnect: async () => {
      await connection.close();
      await tracing?.flush();
    },
  };
}

/** Loaded when a forecast is asked for: it stands on the quota's rules, which most verbs never use. */
function forecastOf(
  config: Config,
  { store }: Stores,
  clock: Clock,
): (mailbox: MailboxId) => Promise<PricedForecast | null> {
  return async (mailbox) => {
    const { forecast } = await import('../activities/forecast-backfill.ts');
    return forecast(
      { store, prices: priceTableOf(configFor(config, mailbox), clock), userShare: config.quota.userShare, clock },
      mailbox,
    );
  };
}

/** Loaded when a mailbox is renamed: it talks to Google. */
function renamingOf({
  config,
  ...means
}: {
  readonly config: Config;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly tokenProvider: TokenProvider | undefined;
}): RenamingAccess {
  const access = async ({ from }: { from: MailboxId }): Promise<RenamingAccess> =>
    (await import('../accounts/rename-access.ts')).renamingAccess({ ...means, config: configFor(config, from) });
  return {
    refusalOf: async (request) => (await access(request)).refusalOf(request),
    copyCredentials: async (request) => (await access(request)).copyCredentials(request),
  };
}
