import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { MessageId } from '../../model/ids.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import type { MailboxTransaction } from '../engines/mailbox-transaction.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

const OUTSIDE_BODIES = {
  table: 'outside_bodies',
  columns: ['mailbox_key', 'message_id', 'encoding', 'object_key'],
  key: ['mailbox_key', 'message_id'],
  onConflict: 'update',
} as const;

/**
 * The register of objects outside the database.
 *
 * An object is registered before it is written. A row names it only in a transaction that locks the registration. A
 * sweep removes it only after a transaction that locked the registration, found no row that names it, and condemned it.
 * So no object is both named and removed, however late either happens. The object's name contains a nonce of its
 * registration and is never reused: a late removal by a sweep that was believed dead cannot harm a newer object.
 */

/** The content of an object, by the hash and the size of its bytes. */
export interface ObjectContent {
  readonly hash: string;
  readonly size: number;
}

/** An object that a writer has registered and has yet to name in a row. */
export interface HeldObject extends ObjectContent {
  readonly key: number;
  readonly nonce: string;
  readonly placeKey: number;
  /** True when an earlier writer wrote the object. */
  readonly written: boolean;
}

/** Thrown inside a transaction when an object was swept or lost after its registration. The caller starts over. */
export class ObjectSweptError extends Error {
  override readonly name = 'ObjectSweptError';
}

export function objectName(prefix: string, { hash, nonce }: { hash: string; nonce: string }): string {
  return `${prefix}/${hash.slice(0, 2)}/${hash}-${nonce}`;
}

/**
 * Registers objects, or returns their earlier registrations. Sweeps leave them alone for a grace period from `now` on.
 */
export function registerObjects(
  database: StoreDatabase,
  request: { placeKey: number; contents: readonly ObjectContent[]; now: number },
): Promise<ReadonlyMap<string, HeldObject>> {
  const { placeKey, now } = request;
  const contents = new Map(request.contents.map((content) => [content.hash, content]));
  return database.write(async (tx) => {
    const found = await liveObjects(database, tx, placeKey, [...contents.keys()]);
    const missing = [...contents.values()].filter(({ hash }) => !found.has(hash));
    for (const { hash, size } of missing) {
      // Another writer may register the same content at the same time.
      await tx
        .insertInto('body_objects')
        .values({
          place_key: placeKey,
          hash,
          nonce: randomBytes(6).toString('hex'),
          size,
          written: 0,
          loose_since: now,
          condemned_at: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    const loose = [...found.values()].filter((object) => object.loose).map(({ hash }) => hash);
    if (loose.length > 0) {
      await tx
        .updateTable('body_objects')
        .set({ loose_since: now })
        .where('place_key', '=', placeKey)
        .where(database.dialect.isOneOf('hash', loose))
        .where('condemned_at', 'is', null)
        .where('loose_since', 'is not', null)
        .execute();
    }
    return missing.length === 0 ? found : liveObjects(database, tx, placeKey, [...contents.keys()]);
  });
}

/** The registered objects with these hashes, without condemned ones. */
export async function liveObjects(
  { dialect }: Pick<StoreDatabase, 'dialect'>,
  db: Kysely<Schema>,
  placeKey: number,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, HeldObject & { loose: boolean }>> {
  const rows = await db
    .selectFrom('body_objects')
    .select(['key', 'hash', 'nonce', 'size', 'written', 'loose_since'])
    .where('place_key', '=', placeKey)
    .where(dialect.isOneOf('hash', hashes))
    .where('condemned_at', 'is', null)
    .execute();
  return new Map(
    rows.map(({ key, hash, nonce, size, written, loose_since }) => [
      hash,
      { key, nonce, placeKey, hash, size, written: written === 1, loose: loose_since !== null },
    ]),
  );
}

/**
 * Names objects in rows. All objects lie in one place.
 *
 * @throws {ObjectSweptError} when one of them was swept or lost since it was registered
 */
export async function nameObjects(
  locked: Pick<MailboxTransaction, 'tx' | 'dialect' | 'key'>,
  named: readonly { readonly messageId: MessageId; readonly encoding: string; readonly object: HeldObject }[],
): Promise<void> {
  const { tx, dialect, key: mailboxKey } = locked;
  const [first] = named;
  if (first === undefined) return;
  const { placeKey } = first.object;
  const hashes = [...new Set(named.map(({ object }) => object.hash))];
  const live = dialect.locked(
    tx
      .selectFrom('body_objects')
      .select(['key', 'written'])
      .where('place_key', '=', placeKey)
      .where(dialect.isOneOf('hash', hashes))
      .where('condemned_at', 'is', null)
      .orderBy('key'),
  );
  const written = new Map((await live.execute()).map((row) => [row.key, row.written === 1]));
  for (const { object } of named) {
    const isWritten = written.get(object.key);
    if (isWritten === undefined || (object.written && !isWritten))
      throw new ObjectSweptError(`object ${object.key} was swept or lost`);
  }
  await tx
    .updateTable('body_objects')
    .set({ written: 1, loose_since: null })
    .where('place_key', '=', placeKey)
    .where(dialect.isOneOf('hash', hashes))
    .where('condemned_at', 'is', null)
    .where((eb) => eb.or([eb('loose_since', 'is not', null), eb('written', '=', 0)]))
    .execute();
  await bulkInsert(
    tx,
    OUTSIDE_BODIES,
    named.map(({ messageId, encoding, object }) => [mailboxKey, messageId, encoding, object.key]),
  );
}

/** Takes the names of objects off these rows. A sweep removes the objects that no other row names. */
export async function unnameObjects(
  { tx, dialect, key }: Pick<MailboxTransaction, 'tx' | 'dialect' | 'key'>,
  messageIds: readonly MessageId[],
  now: number,
): Promise<void> {
  const rows = await tx
    .selectFrom('outside_bodies')
    .select('object_key')
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOf('message_id', messageIds))
    .execute();
  if (rows.length === 0) return;
  await tx
    .updateTable('body_objects')
    .set({ loose_since: now })
    .where((eb) =>
      eb(
        'key',
        'in',
        eb
          .selectFrom('outside_bodies')
          .select('object_key')
          .where('mailbox_key', '=', key)
          .where(dialect.isOneOf('message_id', messageIds)),
      ),
    )
    .where('loose_since', 'is', null)
    .execute();
  await tx
    .deleteFrom('outside_bodies')
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOf('message_id', messageIds))
    .execute();
}
