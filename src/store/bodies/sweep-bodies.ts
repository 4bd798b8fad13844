import type { StoreDatabase } from '../engines/store-database.ts';
import { StoreError } from '../engines/store-error.ts';
import { objectName } from './body-objects.ts';
import type { BodyPlaces } from './body-places.ts';
import { eachOf } from './each-of.ts';

export interface BodySweeper {
  /**
   * Removes bodies outside the database that no row names. Any number of sweeps may run at once, beside writers, and be killed anywhere.
   *
   * @param request.now - epoch milliseconds
   * @param request.grace - milliseconds for which a body that nobody names is left alone; it spares writers doing their work twice,
   * and readers that look at an older row; an hour when not given
   * @param request.signal - ends the sweep after the bodies that are being removed
   * @throws {StoreError} `unavailable` when the database or the place of a body cannot be used; all other places are swept first
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

/** Registrations locked together, and objects removed between two transactions. */
const PAGE = 100;
const WIDTH = 8;
/** A sweep that was killed leaves condemned objects behind: this much later another one takes them over. */
const TAKE_OVER_AFTER = 10 * 60_000;
/** Writing one object never takes so long. */
const HALF_WRITTEN_FOR = 24 * 60 * 60_000;

type Places = Pick<BodyPlaces, 'at' | 'known' | 'requirePlace'>;

interface Condemned {
  readonly key: number;
  readonly hash: string;
  readonly nonce: string;
  readonly size: number;
  readonly place: { readonly key: number; readonly url: string; readonly prefix: string };
}

/** See {@link BodySweeper.sweepBodies}; why it is safe is said at the register, body-objects.ts. */
export async function sweepBodies(database: StoreDatabase, places: Places, { now, grace, signal }: SweepRequest): Promise<SweepResult> {
  let removed = 0;
  let bytes = 0;
  /** What is wrong with a place; null where nothing is. A place that failed is left alone until the next sweep. */
  const trouble = new Map<number, StoreError | null>();
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
 * What is condemned in a place that cannot be used waits for a later sweep; the other places do not. (In a folder that is not mounted every removal
 * would even seem to succeed, and the files would stay for ever: so the place is looked at first.)
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

/** The registrations are locked before the rows that name them are looked for: whoever names one of them waits, and then finds it condemned. */
function condemn(database: StoreDatabase, now: number, before: number): Promise<{ looked: number; condemned: readonly Condemned[] }> {
  const { dialect } = database;
  return database.write(async (tx) => {
    const loose = await dialect
      .locked(
        tx
          .selectFrom('body_objects')
          .select(['key', 'hash', 'nonce', 'size', 'place_key'])
          .where('loose_since', '<=', before)
          .where('condemned_at', 'is', null)
          .where('place_key', 'in', tx.selectFrom('body_places').select('key').where('sweeps', '=', 1))
          .orderBy('loose_since')
          .orderBy('key')
          .limit(PAGE),
      )
      .execute();
    if (loose.length === 0) return { looked: 0, condemned: [] };
    const keys = padded(loose.map(({ key }) => key));
    const rows = await tx.selectFrom('outside_bodies').select('object_key').distinct().where('object_key', 'in', keys).execute();
    const named = new Set(rows.map((row) => row.object_key));
    const unnamed = loose.filter(({ key }) => !named.has(key));
    if (named.size > 0) await tx.updateTable('body_objects').set({ loose_since: null }).where('key', 'in', padded([...named])).execute();
    if (unnamed.length > 0) await tx.updateTable('body_objects').set({ condemned_at: now }).where('key', 'in', padded(unnamed.map(({ key }) => key))).execute();
    const places = new Map((await tx.selectFrom('body_places').select(['key', 'url', 'prefix']).execute()).map((place) => [place.key, place]));
    const condemned = unnamed.flatMap(({ key, hash, nonce, size, place_key }): Condemned[] => {
      const place = places.get(place_key);
      return place === undefined ? [] : [{ key, hash, nonce, size, place }];
    });
    return { looked: loose.length, condemned };
  });
}

/** Objects that an earlier sweep condemned and did not come to remove; taking them over dates them anew. */
function takeOver(database: StoreDatabase, now: number): Promise<readonly Condemned[]> {
  return database.write(async (tx) => {
    const rows = await tx
      .selectFrom('body_objects')
      .innerJoin('body_places', 'body_places.key', 'body_objects.place_key')
      .select(['body_objects.key', 'hash', 'nonce', 'size', 'place_key', 'url', 'prefix'])
      .where('condemned_at', '<=', now - TAKE_OVER_AFTER)
      .where('sweeps', '=', 1)
      .orderBy('condemned_at')
      .limit(PAGE)
      .execute();
    if (rows.length === 0) return [];
    await tx.updateTable('body_objects').set({ condemned_at: now }).where('key', 'in', padded(rows.map(({ key }) => key))).execute();
    return rows.map(({ key, hash, nonce, size, place_key, url, prefix }) => ({ key, hash, nonce, size, place: { key: place_key, url, prefix } }));
  });
}

/** The registration goes last: what is registered as condemned may still be there. */
async function forget(database: StoreDatabase, condemned: readonly Condemned[]): Promise<void> {
  if (condemned.length === 0) return;
  await database.write(async (tx) => {
    await tx.deleteFrom('body_objects').where('key', 'in', padded(condemned.map(({ key }) => key))).where('condemned_at', 'is not', null).execute();
  });
}

/** Always as many: one text, hence one prepared statement. */
function padded(keys: readonly number[]): readonly number[] {
  return Array.from({ length: PAGE }, (_, index) => keys[index] ?? keys[0] ?? 0);
}
