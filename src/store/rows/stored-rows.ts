import type { Kysely } from 'kysely';
import type { Bodies, OutsideBody } from '../bodies/bodies.ts';
import type { LostReason } from '../../model/lost-body.ts';
import { decodeIfWhole } from '../bodies/body-codec.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** Names the place of a lost body that was inside the database. */
export const IN_DATABASE = 'the database itself';

/** Messages with their bodies, or with the objects that hold those. */
function rowsWithBodies(db: Kysely<Schema>, key: number) {
  return db
    .selectFrom('messages')
    .leftJoin('bodies', (join) =>
      join.onRef('bodies.mailbox_key', '=', 'messages.mailbox_key').onRef('bodies.message_id', '=', 'messages.id'),
    )
    .leftJoin('outside_bodies', (join) =>
      join
        .onRef('outside_bodies.mailbox_key', '=', 'messages.mailbox_key')
        .onRef('outside_bodies.message_id', '=', 'messages.id'),
    )
    .leftJoin('body_objects', 'body_objects.key', 'outside_bodies.object_key')
    .leftJoin('body_places', 'body_places.key', 'body_objects.place_key')
    .select([
      'messages.id',
      'messages.thread_id',
      'messages.label_ids',
      'messages.history_id',
      'messages.internal_date',
      'messages.size_estimate',
      'messages.snippet',
      'messages.format',
      'messages.lacks',
      'messages.state',
      'bodies.encoding',
      'bodies.body',
      'outside_bodies.encoding as outside_encoding',
      'outside_bodies.object_key',
      'body_objects.hash',
      'body_objects.nonce',
      'body_objects.size',
      'body_places.key as place_key',
      'body_places.url',
      'body_places.prefix',
    ])
    .where('messages.mailbox_key', '=', key);
}

export type StoredRow = Awaited<ReturnType<typeof nextStoredRows>>[number];

/** The next stored rows after `after`, in the order of ids. */
export function nextStoredRows(database: StoreDatabase, key: number, after: string, limit: number) {
  return database.read((db) =>
    rowsWithBodies(db, key)
      .where('messages.state', '=', 'stored')
      .where('messages.id', '>', after)
      .orderBy('messages.id')
      .limit(limit)
      .execute(),
  );
}

export function findRow(database: StoreDatabase, key: number, id: string): Promise<StoredRow | undefined> {
  return database.read((db) => rowsWithBodies(db, key).where('messages.id', '=', id).executeTakeFirst());
}

export type BodyRead =
  | { readonly kind: 'read'; readonly body: Uint8Array | null }
  /** `objectKey` is null for a body inside the database. */
  | { readonly kind: 'lost'; readonly reason: LostReason; readonly url: string; readonly objectKey: number | null }
  /** The row's state has changed in the meantime. */
  | { readonly kind: 'left' };

/**
 * The body of a row that was read some time ago: the message may have been fetched again since, and its earlier body
 * swept.
 */
export async function readBody(
  database: StoreDatabase,
  bodies: Bodies,
  key: number,
  row: StoredRow,
): Promise<BodyRead> {
  for (let current: StoredRow | undefined = row; current?.state === row.state;) {
    const outside = outsideOf(current);
    if (outside === null) return readInside(current);
    const body = await bodies.read(outside);
    if (typeof body !== 'string') return { kind: 'read', body };
    current = await findRow(database, key, row.id);
    if (current?.object_key === outside.objectKey)
      return { kind: 'lost', reason: body, url: outside.url, objectKey: outside.objectKey };
  }
  return { kind: 'left' };
}

function readInside({ encoding, body }: StoredRow): BodyRead {
  if (body === null || encoding === null) return { kind: 'read', body: null };
  const decoded = decodeIfWhole(encoding, body);
  return decoded === null
    ? { kind: 'lost', reason: 'damaged', url: IN_DATABASE, objectKey: null }
    : { kind: 'read', body: decoded };
}

function outsideOf({
  outside_encoding: encoding,
  object_key: objectKey,
  hash,
  nonce,
  size,
  place_key: placeKey,
  url,
  prefix,
}: StoredRow): OutsideBody | null {
  if (
    encoding === null ||
    objectKey === null ||
    hash === null ||
    nonce === null ||
    size === null ||
    placeKey === null ||
    url === null ||
    prefix === null
  )
    return null;
  return { encoding, objectKey, hash, nonce, size, placeKey, url, prefix };
}
