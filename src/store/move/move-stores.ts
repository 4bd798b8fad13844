import type { MailboxId } from '../../model/ids.ts';
import { Bodies } from '../bodies/bodies.ts';
import { BodyPlaces } from '../bodies/body-places.ts';
import type { BodyOptions } from '../bodies/open-body-store.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { StoreError } from '../engines/store-error.ts';
import type { Stores } from '../stores.ts';
import { MoveError } from './move-error.ts';
import { digestOutside, handOverBodies, nameThere, takeOverBodies, writeThere } from './move-outside-bodies.ts';
import { takeIdentity } from '../mailboxes/read-identity.ts';
import { copySubscriptions } from '../subscriptions/subscription-rows.ts';
import { copyTable, digestTable, MOVED_TABLES } from './move-tables.ts';

export interface MoveRequest {
  readonly from: Stores;
  readonly to: Stores;
  /** How the places of bodies outside are reached. */
  readonly bodies: BodyOptions;
  /** Whether bodies outside are rewritten to the place that `bodies` names; otherwise they stay where they are. */
  readonly moveBodies: boolean;
  readonly now: number;
  /** Called with the rows that were copied, table by table. */
  readonly onProgress: (progress: {
    readonly mailbox: MailboxId;
    readonly table: string;
    readonly rows: number;
  }) => void;
  readonly signal?: AbortSignal;
}

export interface MovedMailbox {
  readonly mailbox: MailboxId;
  readonly messages: number;
  readonly rows: number;
}

/** The id of a half-moved mailbox. It is not an address, so nobody can reach the mailbox. */
const halfMoved = (mailbox: MailboxId): string => `moving/${encodeURIComponent(mailbox)}`;

/**
 * Copies every mailbox of one database to another, of any kind, with all its rows and credentials. The target knows a
 * mailbox only once everything was compared; until then an interrupted move continues after the last copied row. The
 * source stays as it is, except that it no longer removes bodies outside that the target names.
 *
 * @throws {MoveError} when the target knows one of the mailboxes already, or the source changed meanwhile
 * @throws {StoreError} when one of the databases cannot be used
 */
export async function moveStores(request: MoveRequest): Promise<readonly MovedMailbox[]> {
  const { from, to } = request;
  const mailboxes = (await from.store.listMailboxes()).map(({ id }) => id);
  const known = new Set((await to.store.listMailboxes()).map(({ id }) => id));
  const taken = mailboxes.filter((id) => known.has(id));
  if (taken.length > 0)
    throw new MoveError(
      'The target holds ' +
        `${taken.slice(0, 3).join(', ')}${taken.length > 3 ? ` and ${taken.length - 3} more` : ''} already: ` +
        'nothing was moved. Name a target that holds none of these mailboxes.',
    );

  // No mailbox becomes visible before all are copied. An interrupted move continues when it is started again.
  const moved: MovedMailbox[] = [];
  for (const mailbox of mailboxes) moved.push(await copyMailbox(request, mailbox));
  for (const mailbox of mailboxes) {
    if (!(await isUnchanged(from.database, to.database, mailbox)))
      await takeBack(request, mailbox, await keyOf(to.database, halfMoved(mailbox)));
  }
  for (const owner of [...(await from.credentials.list()), ...(await from.credentials.listWebhookSecrets())]) {
    const record = await from.credentials.get(owner);
    if (record !== null) await to.credentials.put(owner, record);
  }
  await copyChains(from.database, to.database);
  await copySubscriptions(from.database, to.database);
  await takeIdentity(from.database, to.database);
  if (!request.moveBodies) await handOverBodies(from.database);
  await to.database.write(async (tx) => {
    if (!request.moveBodies) await takeOverBodies(from.database, tx);
    for (const mailbox of mailboxes)
      await tx.updateTable('mailboxes').set({ id: mailbox }).where('id', '=', halfMoved(mailbox)).execute();
  });
  return moved;
}

async function copyMailbox(request: MoveRequest, mailbox: MailboxId): Promise<MovedMailbox> {
  const { from, to, bodies, moveBodies, now, onProgress, signal } = request;
  const sides = {
    from: { database: from.database, key: await keyOf(from.database, mailbox) },
    to: { database: to.database, key: await begin(request, mailbox) },
  };
  let rows = 0;
  const onRows = (table: string) => (count: number) => {
    rows += count;
    onProgress({ mailbox, table, rows: count });
  };
  for (const table of MOVED_TABLES) await copyTable({ table, ...sides, onRows: onRows(table.table), signal });
  if (!moveBodies) {
    const places = new BodyPlaces(from.database, bodies);
    try {
      await nameThere({ ...sides, from: { ...sides.from, places }, onRows: onRows('bodies outside'), signal });
    } finally {
      await places.close();
    }
  } else {
    const places = { from: new Bodies(from.database, bodies), to: new Bodies(to.database, bodies) };
    try {
      await writeThere({
        from: { ...sides.from, bodies: places.from },
        to: { ...sides.to, bodies: places.to },
        now,
        onRows: onRows('bodies outside'),
        signal,
      });
    } finally {
      await places.from.close();
      await places.to.close();
    }
  }
  if (!(await isSame(request, mailbox, sides))) await takeBack(request, mailbox, sides.to.key);
  const { stored, excluded } = await from.store.countMessages(mailbox, now);
  return { mailbox, messages: stored + excluded, rows };
}

/**
 * Removes the copy of a mailbox that changed while it was copied. Its bodies outside stay: the target sweeps none
 * before they are handed over.
 */
async function takeBack({ to, now }: MoveRequest, mailbox: MailboxId, key: number): Promise<never> {
  await to.database.write(async (tx) => {
    await tx
      .updateTable('mailboxes')
      .set({ id: `removing/${key}` })
      .where('key', '=', key)
      .execute();
  });
  await to.store.finishRemovals({ now });
  throw new MoveError(
    `${mailbox} changed while it was copied, and was taken back from the target. ` +
      'Stop the workers of the source, then move again.',
  );
}

/** Copies the mailbox's own row first, under an id that nobody looks for, or updates the row of an interrupted move. */
async function begin({ from, to }: MoveRequest, mailbox: MailboxId): Promise<number> {
  const { key: _, ...columns } = await from.database.read((db) =>
    db.selectFrom('mailboxes').selectAll().where('id', '=', mailbox).executeTakeFirstOrThrow(),
  );
  const values = { ...columns, id: halfMoved(mailbox) };
  await to.database.write((tx) =>
    tx
      .insertInto('mailboxes')
      .values(values)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute(),
  );
  return keyOf(to.database, halfMoved(mailbox));
}

async function keyOf(database: StoreDatabase, id: string): Promise<number> {
  const row = await database.read((db) =>
    db.selectFrom('mailboxes').select('key').where('id', '=', id).executeTakeFirst(),
  );
  if (row === undefined)
    throw new StoreError(
      { kind: 'lost' },
      'A mailbox vanished while it was moved: it was removed, or its database was deleted or replaced.',
    );
  return row.key;
}

/** Compares everything: counts and digests of all tables, and the mailbox's own row. */
async function isSame(
  { from, to, moveBodies }: MoveRequest,
  mailbox: MailboxId,
  sides: { from: { database: StoreDatabase; key: number }; to: { database: StoreDatabase; key: number } },
): Promise<boolean> {
  for (const table of MOVED_TABLES) {
    // Bodies that are rewritten may end inside the database.
    if (moveBodies && table.table === 'bodies') continue;
    if (
      (await digestTable(sides.from.database, table, sides.from.key)) !==
      (await digestTable(sides.to.database, table, sides.to.key))
    )
      return false;
  }
  if (!moveBodies && (await digestOutside(sides.from)) !== (await digestOutside(sides.to))) return false;
  if (moveBodies && (await countBodies(sides.from)) !== (await countBodies(sides.to))) return false;
  return isUnchanged(from.database, to.database, mailbox);
}

/** Compares the mailboxes' own rows: every change of a mailbox's mail changes its row (marks, sequence, generation). */
async function isUnchanged(from: StoreDatabase, to: StoreDatabase, mailbox: MailboxId): Promise<boolean> {
  const row = async (database: StoreDatabase, id: string) => {
    const {
      key: _key,
      id: _id,
      ...columns
    } = await database.read((db) =>
      db.selectFrom('mailboxes').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
    );
    return JSON.stringify(Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return (await row(from, mailbox)) === (await row(to, halfMoved(mailbox)));
}

async function countBodies({ database, key }: { database: StoreDatabase; key: number }): Promise<number> {
  let count = 0;
  for (const table of ['bodies', 'outside_bodies'] as const) {
    const { rows } = await database.read((db) =>
      db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<number | string>().as('rows'))
        .where('mailbox_key', '=', key)
        .executeTakeFirstOrThrow(),
    );
    count += Number(rows);
  }
  return count;
}

async function copyChains(from: StoreDatabase, to: StoreDatabase): Promise<void> {
  const chains = await from.read((db) => db.selectFrom('workflow_chains').selectAll().execute());
  await to.write(async (tx) => {
    for (const chain of chains)
      await tx
        .insertInto('workflow_chains')
        .values(chain)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
  });
}
