import { Deliveries } from '../client/stored-deliveries.ts';
import { loadConfig, requireConfig, type Config } from '../config/config.ts';
import { systemClock } from '../host/system-clock.ts';
import type { Clock } from '../model/clock.ts';
import { knownOptions } from '../model/options.ts';
import type { Stores } from '../store/stores.ts';
import { webhookAccess } from './webhooks-of-config.ts';

/** How {@link openDeliveries} opens. */
export interface OpenDeliveriesOptions {
  /** The configuration; by default, what `loadConfig()` reads from the environment. */
  readonly config?: Config;
  /** Time and pauses; the system's clock by default. */
  readonly clock?: Clock;
}

/** {@link Deliveries} with their connections to the database. */
export interface OpenedDeliveries {
  /** Subscriptions and their deliveries. */
  readonly deliveries: Deliveries;
  /** Closes the database. */
  close(): Promise<void>;
}

/**
 * Opens the configured database to see which subscriptions take their changes and which do not, and to end
 * subscriptions. Needs no Temporal server.
 *
 * @param options - the configuration and the clock; by default, what `loadConfig()` reads and the system's clock
 * @returns the subscriptions; close them in the end
 * @throws {StoreError} when there is no store, or the database cannot be used
 * @example
 * const opened = await openDeliveries();
 * const parked = await opened.deliveries.parked('crm');
 * for (const { mailbox, sequence, error } of parked) console.log({ mailbox, sequence, error });
 * await opened.close();
 */
export async function openDeliveries(options: OpenDeliveriesOptions = {}): Promise<OpenedDeliveries> {
  const { config = loadConfig(), clock = systemClock } = knownOptions('openDeliveries', options, {
    config: true,
    clock: true,
  });
  requireConfig(config);
  // Loaded now: a program that only imports Tidemark need not wait for the database's modules.
  const { openDatabase } = await import('./open-database.ts');
  const database = await openDatabase(config, { create: false });
  return { deliveries: deliveriesIn(config, database.stores, clock), close: () => database.close() };
}

/** The deliveries of a database that is open already. */
export const deliveriesIn = (config: Config, stores: Pick<Stores, 'store' | 'credentials'>, clock: Clock): Deliveries =>
  new Deliveries({ store: stores.store, webhooks: webhookAccess(config, stores, clock) });
