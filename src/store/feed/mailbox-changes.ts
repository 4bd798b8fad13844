import type { Change } from '../../model/change.ts';
import { CursorAheadError, CursorPrunedError } from '../../model/feed-cursor.ts';
import type { MailboxId } from '../../model/ids.ts';
import { unknownMailbox } from '../engines/mailbox-transaction.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { changesAfter } from '../rows/change-rows.ts';

export interface ChangesOfMailbox {
  readonly mailbox: MailboxId;
  /** The sequence number of the last change that was dealt with; 0 begins with the oldest change that is kept. */
  readonly after: number;
  readonly limit: number;
}

/** Changes of one mailbox, and where they end. */
export interface ChangePage {
  /** Oldest first. */
  readonly changes: readonly Change[];
  /** The sequence number of the mailbox's last change. */
  readonly head: number;
  /** Whether more changes follow this page. */
  readonly hasMore: boolean;
}

export interface MailboxChanges {
  /**
   * Changes of one mailbox after `after`, oldest first. Sequence numbers have no gaps.
   *
   * @throws {CursorAheadError} when `after` is beyond the mailbox's last change
   * @throws {CursorPrunedError} when changes after `after` were pruned
   */
  readChangePage(request: ChangesOfMailbox): Promise<ChangePage>;
}

/** See {@link MailboxChanges.readChangePage}. */
export async function readChangePage(
  database: StoreDatabase,
  { mailbox, after, limit }: ChangesOfMailbox,
): Promise<ChangePage> {
  return database.read(async (db) => {
    const mailboxRow = () =>
      db
        .selectFrom('mailboxes')
        .select(['key', 'change_sequence as head', 'pruned_sequence as pruned'])
        .where('id', '=', mailbox)
        .executeTakeFirst();
    const row = await mailboxRow();
    if (row === undefined) throw unknownMailbox(mailbox);
    if (after > row.head)
      throw new CursorAheadError(
        `The changes of ${mailbox} end at ${row.head}, and ${after} is beyond that. ` +
          'The number is of another database or mailbox, or this database was restored from an older backup. ' +
          `Read all messages again, and go on after ${row.head}.`,
      );
    const changes = await changesAfter(db, { mailbox, key: row.key }, after, limit);
    // Read after the changes: a pruning in between must not look like an end.
    const { head, pruned } = (await mailboxRow()) ?? row;
    if (after > 0 && pruned > after)
      throw new CursorPrunedError(
        `The changes of ${mailbox} up to ${pruned} were pruned, also some after ${after}. ` +
          `Read all messages again, and go on after ${head}.`,
      );
    return { changes, head, hasMore: (changes.at(-1)?.sequence ?? head) < head };
  });
}
