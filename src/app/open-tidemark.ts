import type { Client } from '@temporalio/client';

import { accountsOf, type Accounts } from '../accounts/accounts.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import { loadConfig, requireConfig, type Config } from '../config/config.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import { systemClock } from '../host/system-clock.ts';
import type { Clock } from '../model/clock.ts';
import { knownOptions, type OptionNames } from '../model/options.ts';
import type { Reader } from '../reading/open-reader.ts';
import { openWithStores } from './open-with-stores.ts';

/** What an application needs to connect mailboxes, to command them, and to read their mail. */
export interface Tidemark extends Reader {
  /** Starts, wakes and stops mailboxes, waits for them, and says how they are. */
  readonly client: TidemarkClient;
  /** Connects mailboxes: by their owners' consent, or by credentials that exist already. */
  readonly accounts: Accounts;
  /** The Temporal client that all of this uses. */
  readonly temporal: Client;
  /** Closes the connection to Temporal and the database. Calls after that fail. */
  close(): Promise<void>;
}

/** How {@link openTidemark} opens. */
export interface OpenTidemarkOptions {
  /** The configuration; by default, what `loadConfig()` reads from the environment. */
  readonly config?: Config;
  /** Time and pauses; the system's clock by default. */
  readonly clock?: Clock;
  /** False refuses to make a database where there is none; true by default. */
  readonly create?: boolean;
  /** Gives tokens in place of stored credentials, wherever Gmail is asked: give the workers the same provider. */
  readonly tokenProvider?: TokenProvider;
  /**
   * A Temporal client of the application's, with codecs or interceptors of its own, in the namespace of the mailboxes.
   * Without it the configuration says how to connect. `close` leaves its connection open.
   */
  readonly temporal?: Client;
}

const OPTIONS: OptionNames<OpenTidemarkOptions> = {
  config: true,
  clock: true,
  create: true,
  tokenProvider: true,
  temporal: true,
};

/**
 * Opens the database and connects to Temporal, as the configuration says.
 *
 * @param options - the environment's configuration, unless one is given
 * @returns what commands mailboxes and reads them; close it in the end
 * @throws {ConfigError} when no configuration is given, and the environment holds wrong values
 * @throws {UsageError} when an option is unknown
 * @throws {ServerUnreachableError} when no Temporal server answers within some seconds
 * @throws {StoreError} when the database cannot be used
 * @throws {SecretKeyError} when payloads are to be encrypted and there is no usable key
 * @example
 * const tidemark = await openTidemark();
 * await tidemark.client.start('ada@example.com');
 * const { phase, counts } = await tidemark.client.waitUntilInSync('ada@example.com');
 * console.log(phase, counts.stored);
 * await tidemark.close();
 */
export async function openTidemark(options: OpenTidemarkOptions = {}): Promise<Tidemark> {
  const {
    config = loadConfig(),
    clock = systemClock,
    create = true,
    tokenProvider,
    temporal: given,
  } = knownOptions('openTidemark', options, OPTIONS);
  requireConfig(config);
  const opened = await openWithStores({ config, clock, create, tokenProvider, temporal: given });
  const { client, temporal, reader, store, credentials } = opened;
  const accounts = accountsOf({ config, stores: { store, credentials }, clock, tokenProvider });
  return { ...reader, client, accounts, temporal, close: () => opened.close() };
}
