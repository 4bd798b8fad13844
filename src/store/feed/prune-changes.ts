import type { MailboxId } from '../../model/ids.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { numberAfter, numberChanges } from './number-changes.ts';

/** Changes that are deleted in one transaction. */
const AT_A_TIME = 2_000;

export interface ChangePruning {
  /**
   * Deletes the changes that were written before `before` (epoch ms), oldest first, and remembers up to where: a cursor
   * from before that is refused. A change that a subscription has yet to deliver is kept. A killed call has done part
   * of the work, and the next call does the rest.
   *
   * @returns how many changes were deleted
   */
  pruneChanges(request: { before: number; signal?: AbortSignal }): Promise<number>;
}

/** See {@link ChangePruning.pruneChanges}. */
export async function pruneChanges(
  database: StoreDatabase,
  { before, signal }: { before: number; signal?: AbortSignal },
): Promise<number> {
  // Where nobody follows the feed, this keeps it in the order of time: pruned changes lie before kept ones.
  await numberChanges(database, null);
  const due = await database.read((db) =>
    db
      .selectFrom('mailboxes')
      .select('id')
      .where('id', 'like', READABLE_ID)
      .where(
        (eb) =>
          eb
            .selectFrom('changes')
            .select('at')
            .whereRef('changes.mailbox_key', '=', 'mailboxes.key')
            .orderBy('sequence')
            .limit(1),
        '<',
        before,
      )
      .execute(),
  );
  let pruned = 0;
  for (const { id } of due) {
    for (let rows = -1; rows !== 0 && signal?.aborted !== true; pruned += Math.max(0, rows)) {
      rows = await withMailbox(database, id as MailboxId, (locked) => pruneSome(locked, before));
      await database.breathe();
    }
  }
  return pruned;
}

async function pruneSome(locked: MailboxTransaction, before: number): Promise<number> {
  const { tx, key } = locked;
  const oldest = await tx
    .selectFrom('changes')
    .select(['sequence', 'at'])
    .where('mailbox_key', '=', key)
    .orderBy('sequence')
    .limit(AT_A_TIME)
    .execute();
  const kept = oldest.findIndex(({ at }) => at >= before);
  const passed = await passedByAll(locked);
  const old = kept === -1 ? oldest : oldest.slice(0, kept);
  const pruned = old.filter(({ sequence }) => sequence <= passed);
  const last = pruned.at(-1)?.sequence;
  if (last === undefined) return 0;
  await raiseFloors(locked, last);
  await tx.deleteFrom('changes').where('mailbox_key', '=', key).where('sequence', '<=', last).execute();
  await locked.updateMailbox({ pruned_sequence: last });
  return pruned.length;
}

/** The sequence up to which every subscription that has begun with the mailbox's changes is done with them. */
async function passedByAll({ tx, key }: MailboxTransaction): Promise<number> {
  const { sequence } = await tx
    .selectFrom('delivery_positions')
    .innerJoin('subscriptions', 'subscriptions.name', 'delivery_positions.subscription')
    .select((eb) => eb.fn.min('delivery_positions.sequence').as('sequence'))
    .where('delivery_positions.mailbox_key', '=', key)
    .where('subscriptions.ended_at', 'is', null)
    .executeTakeFirstOrThrow();
  return sequence ?? Infinity;
}

/**
 * Remembers the position of the last pruned change, for readers of all mailboxes and of this one, and forgets segments
 * that lie before it. The row of `feed` is locked after the mailbox's, and no numbering waits for a mailbox.
 */
async function raiseFloors({ tx, dialect, key }: MailboxTransaction, last: number): Promise<void> {
  const feed = await dialect
    .locked(tx.selectFrom('feed').select(['position', 'pruned_position']).where('key', '=', 1))
    .executeTakeFirstOrThrow();
  await numberAfter({ tx, dialect }, feed.position, [key]);
  const segment = await tx
    .selectFrom('feed_segments')
    .select(['position', 'last_sequence'])
    .where('changes_of', '=', key)
    .where('last_sequence', '>=', last)
    .orderBy('position')
    .limit(1)
    .executeTakeFirstOrThrow();
  const position = segment.position - (segment.last_sequence - last);
  const floor = Math.max(feed.pruned_position, position);
  await tx.updateTable('feed').set({ pruned_position: floor }).where('key', '=', 1).execute();
  await tx.updateTable('feed_mailboxes').set({ pruned_position: position }).where('mailbox_key', '=', key).execute();
  await tx
    .deleteFrom('feed_segments')
    .where('changes_of', '=', key)
    .where('last_sequence', '<=', last)
    .where('position', '<', floor)
    .execute();
}
