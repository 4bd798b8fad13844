import type { Config } from '../config/config.ts';
import { readerOf, type Reader } from '../reading/open-reader.ts';
import { openStoresOf, type StoreOpening } from '../storage/open-stores.ts';
import { Bodies } from '../store/bodies/bodies.ts';
import { closeStores, type Stores } from '../store/open-store.ts';

/** The configured database: its stores, and a reader over the same connections. */
export interface OpenedDatabase {
  readonly stores: Stores;
  readonly reader: Reader;
  close(): Promise<void>;
}

/** @throws {StoreError} when the database cannot be used, or does not exist and must not be made */
export async function openDatabase(config: Config, opening: StoreOpening = {}): Promise<OpenedDatabase> {
  const stores = await openStoresOf(config, opening);
  const bodies = new Bodies(stores.database, config.bodies);
  return {
    stores,
    reader: readerOf(stores.database, bodies),
    close: async () => {
      await bodies.close();
      await closeStores(stores);
    },
  };
}
