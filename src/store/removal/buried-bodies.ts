import type { MailboxId, MessageId } from '../../model/ids.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import { loadRows, writeDifferences, type Difference } from '../rows/message-writer.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** Bodies that are dropped together. Each may have megabytes. */
const AT_A_TIME = 100;

export interface BuriedBodies {
  /**
   * Drops the bodies of messages that have been `gone` for `grace` milliseconds. Until then a wrong verdict can be
   * undone without a fetch. Where only one answer of history has shown the deletion, the time begins eight days later.
   * A killed call has done part of the work, and the next call does the rest.
   *
   * @returns how many bodies were dropped
   */
  dropBuriedBodies(request: { now: number; grace: number; signal?: AbortSignal }): Promise<number>;
}

/** See {@link BuriedBodies.dropBuriedBodies}. Checks under the mailbox's lock that a message is still gone. */
export async function dropBuriedBodies(
  database: StoreDatabase,
  { now, grace, signal }: { now: number; grace: number; signal?: AbortSignal },
): Promise<number> {
  let dropped = 0;
  while (signal?.aborted !== true) {
    const due = await database.read((db) =>
      db
        .selectFrom('messages')
        .innerJoin('mailboxes', 'mailboxes.key', 'messages.mailbox_key')
        .select(['mailboxes.id as mailbox', 'messages.id'])
        .where('messages.buried_at', '<=', now - grace)
        .where('mailboxes.id', 'like', READABLE_ID)
        .orderBy('messages.buried_at')
        .limit(AT_A_TIME)
        .execute(),
    );
    if (due.length === 0) return dropped;
    for (const mailbox of new Set(due.map((row) => row.mailbox as MailboxId))) {
      const ids = due.filter((row) => row.mailbox === mailbox).map((row) => row.id as MessageId);
      dropped += await dropOf(database, mailbox, ids, now);
    }
    await database.breathe();
  }
  return dropped;
}

function dropOf(database: StoreDatabase, mailbox: MailboxId, ids: readonly MessageId[], now: number): Promise<number> {
  return withMailbox(database, mailbox, async (locked) => {
    const { tx, dialect, key } = locked;
    const rows = [...(await loadRows(locked, ids)).values()].filter(({ state }) => state === 'gone');
    const differences: Difference[] = rows.map((before) => ({
      before,
      after: { ...before, format: null, attachments: null, attachmentsHeld: false, lacks: null, buriedAt: null },
    }));
    await writeDifferences(locked, differences, now);
    // A worker of an earlier version brings a message back without clearing `buried_at`.
    await tx
      .updateTable('messages')
      .set({ buried_at: null })
      .where('mailbox_key', '=', key)
      .where(dialect.isOneOf('id', ids))
      .where('state', '!=', 'gone')
      .execute();
    return rows.length;
  });
}
