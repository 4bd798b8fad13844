import { randomBytes } from 'node:crypto';
import type { StoreDatabase } from '../engines/store-database.ts';
import { StoreError } from '../engines/store-error.ts';
import type { BodyStore } from './body-store.ts';
import { openBodyStore, type BodyOptions } from './open-body-store.ts';
import { PLACE_SWEEPS } from './place-sweeps.ts';

/** A place of bodies, ready for use. */
export interface BodyPlace {
  readonly key: number;
  readonly prefix: string;
  readonly store: BodyStore;
}

/** What the database stores about a place: enough to open it without any configuration. */
export interface PlaceAddress {
  readonly key: number;
  readonly url: string;
  readonly prefix: string;
}

/**
 * An empty file that identifies a place. A folder that is not mounted, or another bucket, lacks it. Without this check
 * every body there would look lost and be fetched again.
 */
const IDENTITY_FILE = 'tidemark-bodies';

/** The places of bodies outside the database: the configured one, and those that rows still name. */
export class BodyPlaces {
  readonly #database: StoreDatabase;
  readonly #options: BodyOptions;
  readonly #stores = new Map<string, BodyStore>();
  #current: Promise<BodyPlace> | null = null;

  constructor(database: StoreDatabase, options: BodyOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** Bodies with more stored bytes than this go outside; null when all stay in the database. */
  get over(): number | null {
    return this.#options.url === null ? null : this.#options.over;
  }

  /**
   * The configured place, for writing. Its first use records it in the database and writes its identity file.
   *
   * @throws {StoreError} `unavailable` when the place cannot be used, or lacks its identity file
   */
  current(): Promise<BodyPlace> {
    const { url } = this.#options;
    if (url === null) throw new Error('bodies stay in the database: there is no place outside');
    const opening = (this.#current ??= this.#open(url));
    opening.catch(() => {
      // The next call tries again.
      if (this.#current === opening) this.#current = null;
    });
    return opening;
  }

  at({ key, url, prefix }: PlaceAddress): BodyPlace {
    return { key, prefix, store: this.#storeAt(url) };
  }

  /**
   * Reads an object from its place, or else from the configured one: everything may have been copied there.
   *
   * @returns null when the object is lost: its place is available and does not hold it
   * @throws {StoreError} `unavailable` when the place cannot be read, or lacks its identity file
   */
  async get(address: PlaceAddress, name: string): Promise<Uint8Array | null> {
    const { store } = this.at(address);
    const found = await store.get(name);
    if (found !== null) return found;
    const elsewhere = this.#options.url === null ? null : this.#storeAt(this.#options.url);
    const copied = elsewhere === null || elsewhere === store ? null : await elsewhere.get(name);
    if (copied !== null) return copied;
    await requireIdentityFile(store, address.prefix);
    return null;
  }

  /**
   * Writes the identity file of every known place that lacks it, so that the bodies missing there count as lost.
   *
   * @returns the URLs of those places
   */
  async rebuild(): Promise<readonly string[]> {
    const rebuilt: string[] = [];
    for (const address of await this.known()) {
      const { store } = this.at(address);
      if ((await store.get(identityFile(address.prefix))) !== null) continue;
      await store.put(identityFile(address.prefix), new Uint8Array());
      rebuilt.push(store.url);
    }
    return rebuilt;
  }

  /**
   * Verifies that a place is still the same one.
   *
   * @throws {StoreError} `unavailable` when it cannot be used, or lacks its identity file
   */
  requirePlace(address: PlaceAddress): Promise<void> {
    return requireIdentityFile(this.at(address).store, address.prefix);
  }

  known(): Promise<readonly PlaceAddress[]> {
    return this.#database.read((db) =>
      db.selectFrom('body_places').select(['key', 'url', 'prefix']).orderBy('key').execute(),
    );
  }

  async close(): Promise<void> {
    for (const store of this.#stores.values()) await store.close();
    this.#stores.clear();
  }

  async #open(url: string): Promise<BodyPlace> {
    const store = this.#storeAt(url);
    const known = await this.#find(url);
    if (known !== null) {
      await requireIdentityFile(store, known.prefix);
      return { ...known, store };
    }
    // The file comes first: after a crash in between, an unused file does no harm. Two workers at once record two
    // places and use the first.
    const prefix = randomBytes(8).toString('hex');
    await store.put(identityFile(prefix), new Uint8Array());
    await this.#database.write(async (tx) => {
      await tx.insertInto('body_places').values({ url, prefix, sweeps: PLACE_SWEEPS.always }).execute();
    });
    const place = await this.#find(url);
    if (place === null)
      throw new StoreError(
        { kind: 'lost' },
        'The place of bodies was forgotten while it became known: the database was deleted or replaced.',
      );
    return { ...place, store };
  }

  async #find(url: string): Promise<PlaceAddress | null> {
    const row = await this.#database.read((db) =>
      db
        .selectFrom('body_places')
        .select(['key', 'url', 'prefix'])
        .where('url', '=', url)
        .where('sweeps', '=', PLACE_SWEEPS.always)
        .orderBy('key')
        .executeTakeFirst(),
    );
    return row ?? null;
  }

  #storeAt(url: string): BodyStore {
    const known = this.#stores.get(url);
    if (known !== undefined) return known;
    const { open = openBodyStore, s3 } = this.#options;
    const store = open(url, s3);
    this.#stores.set(url, store);
    return store;
  }
}

const identityFile = (prefix: string): string => `${prefix}/${IDENTITY_FILE}`;

async function requireIdentityFile(store: BodyStore, prefix: string): Promise<void> {
  if ((await store.get(identityFile(prefix))) !== null) return;
  throw new StoreError(
    { kind: 'unavailable' },
    `The bodies at ${store.url} are not there: ${identityFile(prefix)} is missing. ` +
      'Mount or restore what was there. If it is lost, they can be fetched again.',
    { remedy: { kind: 'check-bodies', mailbox: null, rebuild: true } },
  );
}
