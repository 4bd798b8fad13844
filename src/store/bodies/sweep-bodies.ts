import type { StoreDatabase } from '../engines/store-database.ts';
import { StoreError } from '../engines/store-error.ts';
import { objectName } from './body-objects.ts';
import type { BodyPlaces } from './body-places.ts';
import { eachOf } from './each-of.ts';
import { PLACE_SWEEPS } from './place-sweeps.ts';

export interface BodySweeper {
  /**
   * Removes bodies outside the database that no row names. Any number of sweeps may run at once and beside writers, and
   * may be killed at any point.
   *
   * @param request.now - epoch milliseconds
   * @param request.grace - milliseconds for which an unnamed body is left alone. It spares writers from doing their
   * work twice, and readers that hold an older row
   * @param request.signal - ends the sweep after the removals under way
   * @throws {StoreError} `unavailable` when the database or a place of bodies cannot be used; all other places are
   * swept first
   */
  sweepBodies(request: SweepRequest): Promise<SweepResult>;
}

export interface SweepRequest {
  readonly now: number;
  readonly grace: number;
  readonly signal?: AbortSignal;
}

export interface SweepResult {
  readonly removed: number;
  readonly bytes: number;
}

/** Registrations that one transaction locks. Their objects are removed before the next transaction. */
const PAGE = 100;
const WIDTH = 8;
/** Objects that a killed sweep condemned and left behind are taken over by another sweep after this time. */
const TAKE_OVER_AFTER = 10 * 60_000;
/** A time further ahead than this was written by a wrong clock: an object is loose, or condemned, once it is noted. */
const WRONG_BY = 3_600_000;
/** Longer than writing any object takes. */
const HALF_WRITTEN_FOR = 24 * 60 * 60_000;

type Places = Pick<BodyPlaces, 'at' | 'known' | 'requirePlace'>;

interface Condemned {
  readonly key: number;
  readonly hash: string;
  readonly nonce: string;
  readonly size: number;
  readonly place: { readonly key: number; readonly url: string; readonly prefix: string };
}

/** See {@link BodySweeper.sweepBodies}. The register (body-objects.ts) says why sweeping is safe. */
export async function sweepBodies(
  database: StoreDatabase,
  places: Places,
  { now, grace, signal }: SweepRequest,
): Promise<SweepResult> {
  let removed = 0;
  let bytes = 0;
  /**
   * The failure of each place that was tried; null when it works. A place that failed is left alone until the next
   * sweep.
   */
  const trouble = new Map<number, StoreError | null>();
  /**
   * Checked before any removal: in a folder that is not mounted, every removal would seem to succeed, and the files
   * would stay forever.
   */
  const isThere = async (place: Condemned['place']): Promise<boolean> => {
    const known = trouble.get(place.key);
    if (known !== undefined) return known === null;
    const error = await troubleOf(() => places.requirePlace(place));
    trouble.set(place.key, error);
    return error === null;
  };
  const removeAll = async (condemned: readonly Condemned[]): Promise<void> => {
    const present: Condemned[] = [];
    for (const object of condemned) if (await isThere(object.place)) present.push(object);
    const gone: Condemned[] = [];
    await eachOf(present, WIDTH, async (object) => {
      const { place } = object;
      if (trouble.get(place.key) !== null) return;
      const error = await troubleOf(() => places.at(place).store.remove(objectName(place.prefix, object)));
      if (error === null) gone.push(object);
      else trouble.set(place.key, error);
    });
    await forget(database, gone);
    removed += gone.length;
    for (const { size } of gone) bytes += size;
  };
  await correctTimes(database, now);
  while (signal?.aborted !== true) {
    const left = await takeOver(database, now);
    if (left.length === 0) break;
    await removeAll(left);
  }
  while (signal?.aborted !== true) {
    const { looked, condemned } = await condemn(database, now, now - grace);
    await removeAll(condemned);
    if (looked < PAGE) break;
  }
  for (const address of await places.known()) {
    const error = await troubleOf(() => places.at(address).store.tidy(now - HALF_WRITTEN_FOR));
    if (error !== null) trouble.set(address.key, error);
  }
  for (const error of trouble.values()) if (error !== null) throw error;
  return { removed, bytes };
}

/**
 * Returns the failure of a place that cannot be used; null when the work succeeded. Condemned objects there wait for a
 * later sweep, and other places are not held up.
 */
async function troubleOf(work: () => Promise<void>): Promise<StoreError | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof StoreError && error.failure.kind === 'unavailable') return error;
    throw error;
  }
}

/**
 * Locks the registrations before it looks for rows that name them, so a writer that wants to name one waits and then
 * finds it condemned.
 */
function condemn(
  database: StoreDatabase,
  now: number,
  before: number,
): Promise<{ looked: number; condemned: readonly Condemned[] }> {
  const { dialect } = database;
  return database.write(async (tx) => {
    const loose = await dialect
      .locked(
        tx
          .selectFrom('body_objects')
          .select(['key', 'hash', 'nonce', 'size', 'place_key'])
          .where('loose_since', '<=', before)
          .where('condemned_at', 'is', null)
          .where(
            'place_key',
            'in',
            tx.selectFrom('body_places').select('key').where('sweeps', '=', PLACE_SWEEPS.always),
          )
          .orderBy('loose_since')
          .orderBy('key')
          .limit(PAGE),
      )
      .execute();
    if (loose.length === 0) return { looked: 0, condemned: [] };
    const keys = padded(loose.map(({ key }) => key));
    const rows = await tx
      .selectFrom('outside_bodies')
      .select('object_key')
      .distinct()
      .where('object_key', 'in', keys)
      .execute();
    const named = new Set(rows.map((row) => row.object_key));
    const unnamed = loose.filter(({ key }) => !named.has(key));
    if (named.size > 0)
      await tx
        .updateTable('body_objects')
        .set({ loose_since: null })
        .where('key', 'in', padded([...named]))
        .execute();
    if (unnamed.length > 0)
      await tx
        .updateTable('body_objects')
        .set({ condemned_at: now })
        .where('key', 'in', padded(unnamed.map(({ key }) => key)))
        .execute();
    const places = new Map(
      (await tx.selectFrom('body_places').select(['key', 'url', 'prefix']).execute()).map((place) => [
        place.key,
        place,
      ]),
    );
    const condemned = unnamed.flatMap(({ key, hash, nonce, size, place_key }): Condemned[] => {
      const place = places.get(place_key);
      return place === undefined ? [] : [{ key, hash, nonce, size, place }];
    });
    return { looked: loose.length, condemned };
  });
}

/** Gives objects that were noted in the future the present time. Otherwise they would stay until then. */
async function correctTimes(database: StoreDatabase, now: number): Promise<void> {
  await database.write(async (tx) => {
    for (const time of ['loose_since', 'condemned_at'] as const)
      await tx
        .updateTable('body_objects')
        .set({ [time]: now })
        .where(time, '>', now + WRONG_BY)
        .execute();
  });
}

/** Takes over objects that an earlier sweep condemned but did not remove, and gives them a new date. */
function takeOver(database: StoreDatabase, now: number): Promise<readonly Condemned[]> {
  return database.write(async (tx) => {
    const rows = await tx
      .selectFrom('body_objects')
      .innerJoin('body_places', 'body_places.key', 'body_objects.place_key')
      .select(['body_objects.key', 'hash', 'nonce', 'size', 'place_key', 'url', 'prefix'])
      .where('condemned_at', '<=', now - TAKE_OVER_AFTER)
      .where('sweeps', '=', PLACE_SWEEPS.always)
      .orderBy('condemned_at')
      .limit(PAGE)
      .execute();
    if (rows.length === 0) return [];
    await tx
      .updateTable('body_objects')
      .set({ condemned_at: now })
      .where('key', 'in', padded(rows.map(({ key }) => key)))
      .execute();
    return rows.map(({ key, hash, nonce, size, place_key, url, prefix }) => ({
      key,
      hash,
      nonce,
      size,
      place: { key: place_key, url, prefix },
    }));
  });
}

/** Deletes registrations last: as long as an object may exist, it is registered as condemned. */
async function forget(database: StoreDatabase, condemned: readonly Condemned[]): Promise<void> {
  if (condemned.length === 0) return;
  await database.write(async (tx) => {
    await tx
      .deleteFrom('body_objects')
      .where('key', 'in', padded(condemned.map(({ key }) => key)))
      .where('condemned_at', 'is not', null)
      .execute();
  });
}

/** Always the same number of keys, so that there is one SQL text and one prepared statement. */
function padded(keys: readonly number[]): readonly number[] {
  return Array.from({ length: PAGE }, (_, index) => keys[index] ?? keys[0] ?? 0);
}
