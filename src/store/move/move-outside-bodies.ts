import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { MessageId } from '../../model/ids.ts';
import { nameObjects } from '../bodies/body-objects.ts';
import type { Bodies, KeptBody, OutsideBody } from '../bodies/bodies.ts';
import type { BodyPlaces } from '../bodies/body-places.ts';
import { PLACE_SWEEPS } from '../bodies/place-sweeps.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { StoreError } from '../engines/store-error.ts';

/** How many bodies are named, or read, together. */
const PAGE = 50;

interface Side {
  readonly database: StoreDatabase;
  readonly key: number;
}

type NamedBody = OutsideBody & { readonly messageId: MessageId; readonly sweeps: number };

/** The next bodies of a mailbox outside the database, after a message and in the order of ids. */
async function nextOutside({ database, key }: Side, after: string): Promise<readonly NamedBody[]> {
  const rows = await database.read((db) =>
    db
      .selectFrom('outside_bodies')
      .innerJoin('body_objects', 'body_objects.key', 'outside_bodies.object_key')
      .innerJoin('body_places', 'body_places.key', 'body_objects.place_key')
      .select(['message_id', 'encoding', 'object_key', 'hash', 'nonce', 'size', 'place_key', 'url', 'prefix', 'sweeps'])
      .where('mailbox_key', '=', key)
      .where('message_id', '>', after)
      .orderBy('message_id')
      .limit(PAGE)
      .execute(),
  );
  return rows.map((row) => ({
    ...row,
    messageId: row.message_id as MessageId,
    objectKey: row.object_key,
    placeKey: row.place_key,
  }));
}

async function lastOutside({ database, key }: Side): Promise<string> {
  const row = await database.read((db) =>
    db
      .selectFrom('outside_bodies')
      .select('message_id')
      .where('mailbox_key', '=', key)
      .orderBy('message_id', 'desc')
      .limit(1)
      .executeTakeFirst(),
  );
  return row?.message_id ?? '';
}

/**
 * Names the same objects in the target, so that they stay where they are. Until the hand-over the source's rows name
 * them as well, so the target's sweeps must not touch them, even if the target no longer names them after an aborted
 * move.
 *
 * @throws {StoreError} `unavailable` when a place is not there, `body-lost` when the target is removing an object
 */
export async function nameThere(request: {
  from: Side & { places: BodyPlaces };
  to: Side;
  onRows: (rows: number) => void;
  signal: AbortSignal | undefined;
}): Promise<void> {
  const { from, to, onRows, signal } = request;
  const present = new Set<number>();
  for (let after = await lastOutside(to); ;) {
    signal?.throwIfAborted();
    const page = await nextOutside(from, after);
    const last = page.at(-1);
    if (last === undefined) return;
    for (const { placeKey, url, prefix } of page) {
      if (present.has(placeKey)) continue;
      await from.places.requirePlace({ key: placeKey, url, prefix });
      present.add(placeKey);
    }
    await to.database.write(async (tx) => {
      const rows: (string | number)[][] = [];
      const places = new Map<number, number>();
      for (const body of page) {
        const { messageId, encoding, placeKey } = body;
        const place = places.get(placeKey) ?? (await placeThere(tx, body));
        places.set(placeKey, place);
        rows.push([to.key, messageId, encoding, await objectThere(tx, place, body)]);
      }
      await bulkInsert(
        tx,
        {
          table: 'outside_bodies',
          columns: ['mailbox_key', 'message_id', 'encoding', 'object_key'],
          key: ['mailbox_key', 'message_id'],
          onConflict: 'ignore',
        },
        rows,
      );
    });
    onRows(page.length);
    after = last.messageId;
  }
}

/** Registers a place in the target. Neither database sweeps it until the hand-over. */
async function placeThere(tx: Transaction<Schema>, { url, prefix, sweeps }: NamedBody): Promise<number> {
  await tx
    .insertInto('body_places')
    .values({ url, prefix, sweeps: PLACE_SWEEPS.never })
    .onConflict((conflict) => conflict.columns(['url', 'prefix']).doNothing())
    .execute();
  const place = await tx
    .selectFrom('body_places')
    .select(['key', 'sweeps'])
    .where('url', '=', url)
    .where('prefix', '=', prefix)
    .executeTakeFirstOrThrow();
  if (sweeps === PLACE_SWEEPS.always || place.sweeps === PLACE_SWEEPS.always)
    await tx.updateTable('body_places').set({ sweeps: PLACE_SWEEPS.onceMoved }).where('key', '=', place.key).execute();
  return place.key;
}

async function objectThere(
  tx: Transaction<Schema>,
  place: number,
  { messageId, hash, nonce, size, url }: NamedBody,
): Promise<number> {
  const condemned = await tx
    .selectFrom('body_objects')
    .select('key')
    .where('place_key', '=', place)
    .where('hash', '=', hash)
    .where('nonce', '=', nonce)
    .where('condemned_at', 'is not', null)
    .executeTakeFirst();
  if (condemned !== undefined)
    throw new StoreError(
      { kind: 'body-lost' },
      `The target is removing the body of message ${messageId} at ${url}. Have it fetched again before the move.`,
      { remedy: { kind: 'check-bodies', mailbox: null, rebuild: false } },
    );
  // An earlier move that was taken back may have registered the object, under the nonce of that time.
  const current = { nonce, size, written: 1, loose_since: null };
  await tx
    .insertInto('body_objects')
    .values({ place_key: place, hash, ...current, condemned_at: null })
    .onConflict((conflict) =>
      conflict.columns(['place_key', 'hash']).where('condemned_at', 'is', null).doUpdateSet(current),
    )
    .execute();
  const object = await tx
    .selectFrom('body_objects')
    .select('key')
    .where('place_key', '=', place)
    .where('hash', '=', hash)
    .where('condemned_at', 'is', null)
    .executeTakeFirstOrThrow();
  return object.key;
}

/**
 * Rewrites the bodies to the target's place. Their hashes are checked when they are read.
 *
 * @throws {StoreError} `body-lost` when a body is missing or damaged
 */
export async function writeThere(request: {
  from: Side & { bodies: Bodies };
  to: Side & { bodies: Bodies };
  now: number;
  onRows: (rows: number) => void;
  signal: AbortSignal | undefined;
}): Promise<void> {
  const { from, to, now, onRows, signal } = request;
  for (let after = ''; ;) {
    signal?.throwIfAborted();
    const page = await nextOutside(from, after);
    const last = page.at(-1);
    if (last === undefined) return;
    for (const body of page) {
      const bytes = await from.bodies.read(body);
      if (typeof bytes === 'string')
        throw new StoreError(
          { kind: 'body-lost' },
          `The body of message ${body.messageId} is ${bytes} at ${body.url}. ` +
            'Have it fetched again before the move.',
          { remedy: { kind: 'check-bodies', mailbox: null, rebuild: false } },
        );
      const [kept] = await to.bodies.keep([bytes], now);
      if (kept !== undefined) await nameKept(to, body.messageId, kept);
    }
    onRows(page.length);
    after = last.messageId;
  }
}

function nameKept({ database, key }: Side, messageId: MessageId, kept: KeptBody): Promise<void> {
  return database.write(async (tx) => {
    if (kept.kind === 'outside')
      return nameObjects({ tx, dialect: database.dialect, key }, [
        { messageId, encoding: kept.encoding, object: kept.object },
      ]);
    await bulkInsert(
      tx,
      {
        table: 'bodies',
        columns: ['mailbox_key', 'message_id', 'encoding', 'body'],
        key: ['mailbox_key', 'message_id'],
        onConflict: 'ignore',
      },
      [[key, messageId, kept.encoding, kept.bytes]],
    );
  });
}

/** A digest, like digestTable's, of which messages have which bytes outside. */
export async function digestOutside(side: Side): Promise<string> {
  const hash = createHash('sha256');
  let count = 0;
  for (let after = ''; ;) {
    const page = await nextOutside(side, after);
    const last = page.at(-1);
    if (last === undefined) return `${count} bodies outside ${hash.digest('hex')}`;
    for (const body of page) hash.update(`${JSON.stringify([body.messageId, body.encoding, body.hash, body.nonce])}\n`);
    count += page.length;
    after = last.messageId;
  }
}

/**
 * From now on the source removes no objects. If the move ends here, no database removes them until the move is started
 * again: the target remembers what it is to take over.
 */
export function handOverBodies(database: StoreDatabase): Promise<void> {
  return database.write(async (tx) => {
    await tx.updateTable('body_places').set({ sweeps: PLACE_SWEEPS.never }).execute();
  });
}

/** Takes over what the source handed over, in the transaction in which the target comes to know the mailboxes. */
export async function takeOverBodies(from: StoreDatabase, tx: Transaction<Schema>): Promise<void> {
  const places = await from.read((db) => db.selectFrom('body_places').select(['url', 'prefix']).execute());
  for (const { url, prefix } of places)
    await tx
      .updateTable('body_places')
      .set({ sweeps: PLACE_SWEEPS.always })
      .where('url', '=', url)
      .where('prefix', '=', prefix)
      .where('sweeps', '=', PLACE_SWEEPS.onceMoved)
      .execute();
}
