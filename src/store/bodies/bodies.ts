import type { LostReason } from '../../model/lost-body.ts';
import { createHash } from 'node:crypto';
import { decodeBody, encodeBody } from './body-codec.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { liveObjects, objectName, registerObjects, type HeldObject } from './body-objects.ts';
import { BodyPlaces } from './body-places.ts';
import { eachOf } from './each-of.ts';
import { BODIES_INSIDE, type BodyOptions } from './open-body-store.ts';

/** Objects that are written or read at once. Each is held in memory while it waits for a disk or a server. */
const WIDTH = 8;

/** A body that a row can name: it is still to be written into the database, or already written outside. */
export type KeptBody =
  | { readonly kind: 'inside'; readonly encoding: string; readonly bytes: Uint8Array }
  | { readonly kind: 'outside'; readonly encoding: string; readonly object: HeldObject };

/** The object outside the database that a row names as its body. */
export interface OutsideBody {
  readonly encoding: string;
  readonly objectKey: number;
  readonly hash: string;
  readonly nonce: string;
  readonly size: number;
  readonly placeKey: number;
  readonly url: string;
  readonly prefix: string;
}

/** Writes message bodies to their place and reads them back. */
export class Bodies {
  readonly places: BodyPlaces;
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase, options: BodyOptions = BODIES_INSIDE) {
    this.#database = database;
    this.places = new BodyPlaces(database, options);
  }

  /**
   * Compresses bodies, and writes those that belong outside. No row names them yet; a sweep removes those that are
   * never named.
   *
   * @throws {StoreError} `unavailable` when they cannot be written
   */
  async keep(bodies: readonly Uint8Array[], now: number): Promise<readonly KeptBody[]> {
    const encoded = bodies.map(encodeBody);
    const { over } = this.places;
    if (over === null || !encoded.some(({ bytes }) => bytes.byteLength > over))
      return encoded.map((body) => ({ kind: 'inside', ...body }));

    const hashes = encoded.map(({ bytes }) => (bytes.byteLength > over ? sha256(bytes) : null));
    const contents = new Map(
      encoded.flatMap(({ bytes }, index) => (hashes[index] ? [[hashes[index], bytes] as const] : [])),
    );
    const { key: placeKey, prefix, store } = await this.places.current();
    const registration = {
      placeKey,
      contents: [...contents].map(([hash, bytes]) => ({ hash, size: bytes.byteLength })),
      now,
    };
    const objects = await registerObjects(this.#database, registration);
    await eachOf([...contents], WIDTH, async ([hash, bytes]) => {
      const object = objects.get(hash);
      if (object !== undefined && !object.written) await store.put(objectName(prefix, object), bytes);
    });
    return encoded.map(({ encoding, bytes }, index): KeptBody => {
      const object = objects.get(hashes[index] ?? '');
      return object === undefined ? { kind: 'inside', encoding, bytes } : { kind: 'outside', encoding, object };
    });
  }

  /**
   * Removes objects that an attempt wrote although a sweep had already removed their registrations, since no later
   * sweep could find them. Objects that are still registered stay.
   */
  async discard(kept: readonly KeptBody[]): Promise<void> {
    const objects = kept.flatMap((body) => (body.kind === 'outside' ? [body.object] : []));
    const [first] = objects;
    if (first === undefined) return;
    const { prefix, store } = await this.places.current();
    const live = await this.#database.read((db) =>
      liveObjects(
        this.#database,
        db,
        first.placeKey,
        objects.map(({ hash }) => hash),
      ),
    );
    await eachOf(
      objects.filter(({ hash, key }) => live.get(hash)?.key !== key),
      WIDTH,
      (object) => store.remove(objectName(prefix, object)),
    );
  }

  /**
   * Reads a body back, byte for byte as it was given.
   *
   * @returns the bytes, or why the body is lost
   * @throws {StoreError} `unavailable` when its place cannot be read
   */
  async read(body: OutsideBody): Promise<Uint8Array | LostReason> {
    const name = objectName(body.prefix, body);
    const bytes = await this.places.get({ key: body.placeKey, url: body.url, prefix: body.prefix }, name);
    if (bytes === null) return 'missing';
    return sha256(bytes) === body.hash ? decodeBody(body.encoding, bytes) : 'damaged';
  }

  close(): Promise<void> {
    return this.places.close();
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
