import { createHash } from 'node:crypto';
import type { MessageId } from '../../model/ids.ts';
import { nameObjects } from '../bodies/body-objects.ts';
import type { Bodies, KeptBody, OutsideBody } from '../bodies/bodies.ts';
import { bulkInsert } from '../bulk-insert.ts';
import type { StoreDatabase } from '../store-database.ts';
import { StoreError } from '../store-error.ts';

/** Bodies that are named, or read, together. */
const PAGE = 50;

interface Side {
  readonly database: StoreDatabase;
  readonly key: number;
}

type NamedBody = OutsideBody & { readonly messageId: MessageId };

/** Bodies outside of one mailbox after a message, in the order of ids. */
async function nextOutside({ database, key }: Side, after: string): Promise<readonly NamedBody[]> {
  const rows = await database.read((db) =>
    db
      .selectFrom('outside_bodies')
      .innerJoin('body_objects', 'body_objects.key', 'outside_bodies.object_key')
      .innerJoin('body_places', 'body_places.key', 'body_objects.place_key')
      .select(['message_id', 'encoding', 'object_key', 'hash', 'nonce', 'size', 'place_key', 'url', 'prefix'])
      .where('mailbox_key', '=', key)
      .where('message_id', '>', after)
      .orderBy('message_id')
      .limit(PAGE)
      .execute(),
  );
  return rows.map((row) => ({ ...row, messageId: row.message_id as MessageId, objectKey: row.object_key, placeKey: row.place_key }));
}

async function lastOutside({ database, key }: Side): Promise<string> {
  const row = await database.read((db) => db.selectFrom('outside_bodies').select('message_id').where('mailbox_key', '=', key).orderBy('message_id', 'desc').limit(1).executeTakeFirst());
  return row?.message_id ?? '';
}

/** Names the same objects in the target: they stay where they are. */
export async function nameThere(request: { from: Side; to: Side; onRows: (rows: number) => void; signal: AbortSignal | undefined }): Promise<void> {
  const { from, to, onRows, signal } = request;
  for (let after = await lastOutside(to); ; ) {
    signal?.throwIfAborted();
    const page = await nextOutside(from, after);
    const last = page.at(-1);
    if (last === undefined) return;
    await to.database.write(async (tx) => {
      const rows: (string | number)[][] = [];
      for (const { messageId, encoding, url, prefix, hash, nonce, size } of page) {
        await tx.insertInto('body_places').values({ url, prefix, sweeps: 1 }).onConflict((conflict) => conflict.columns(['url', 'prefix']).doNothing()).execute();
        const place = await tx.selectFrom('body_places').select('key').where('url', '=', url).where('prefix', '=', prefix).executeTakeFirstOrThrow();
        await tx.insertInto('body_objects').values({ place_key: place.key, hash, nonce, size, written: 1, loose_since: null, condemned_at: null }).onConflict((conflict) => conflict.doNothing()).execute();
        const object = await tx.selectFrom('body_objects').select('key').where('place_key', '=', place.key).where('hash', '=', hash).where('condemned_at', 'is', null).executeTakeFirstOrThrow();
        rows.push([to.key, messageId, encoding, object.key]);
      }
      await bulkInsert(tx, { table: 'outside_bodies', columns: ['mailbox_key', 'message_id', 'encoding', 'object_key'], key: ['mailbox_key', 'message_id'], onConflict: 'ignore' }, rows);
    });
    onRows(page.length);
    after = last.messageId;
  }
}

/** Writes the bodies anew to where the target's go: they are read with their hashes checked. @throws {StoreError} `body-lost` */
export async function writeThere(request: { from: Side & { bodies: Bodies }; to: Side & { bodies: Bodies }; now: number; onRows: (rows: number) => void; signal: AbortSignal | undefined }): Promise<void> {
  const { from, to, now, onRows, signal } = request;
  for (let after = ''; ; ) {
    signal?.throwIfAborted();
    const page = await nextOutside(from, after);
    const last = page.at(-1);
    if (last === undefined) return;
    for (const body of page) {
      const bytes = await from.bodies.read(body);
      if (typeof bytes === 'string') throw new StoreError({ kind: 'body-lost' }, `The body of message ${body.messageId} is ${bytes} at ${body.url}. Have it fetched again before the move: tidemark check-bodies EMAIL`);
      const [kept] = await to.bodies.keep([bytes], now);
      if (kept !== undefined) await nameKept(to, body.messageId, kept);
    }
    onRows(page.length);
    after = last.messageId;
  }
}

function nameKept({ database, key }: Side, messageId: MessageId, kept: KeptBody): Promise<void> {
  return database.write(async (tx) => {
    if (kept.kind === 'outside') return nameObjects({ tx, dialect: database.dialect, key }, [{ messageId, encoding: kept.encoding, object: kept.object }]);
    await bulkInsert(tx, { table: 'bodies', columns: ['mailbox_key', 'message_id', 'encoding', 'body'], key: ['mailbox_key', 'message_id'], onConflict: 'ignore' }, [[key, messageId, kept.encoding, kept.bytes]]);
  });
}

/** As digestTable: which messages have which bytes outside. */
export async function digestOutside(side: Side): Promise<string> {
  const hash = createHash('sha256');
  let count = 0;
  for (let after = ''; ; ) {
    const page = await nextOutside(side, after);
    const last = page.at(-1);
    if (last === undefined) return `${count} bodies outside ${hash.digest('hex')}`;
    for (const body of page) hash.update(`${JSON.stringify([body.messageId, body.encoding, body.hash])}\n`);
    count += page.length;
    after = last.messageId;
  }
}

/** From now on the objects are the target's: the source removes none any more. */
export function handOver(database: StoreDatabase): Promise<void> {
  return database.write(async (tx) => {
    await tx.updateTable('body_places').set({ sweeps: 0 }).execute();
  });
}
