import type { RequestOf } from '../engines/request-of.ts';
import type { MailboxId } from '../../model/ids.ts';
import { decodeIfWhole } from '../bodies/body-codec.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { IN_DATABASE } from '../rows/stored-rows.ts';
import { loadRows, writeDifferences } from '../rows/message-writer.ts';
import { toFetch } from '../rules/row-scope.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { StoreError } from '../engines/store-error.ts';
import type { LostBody } from '../../model/lost-body.ts';

/** What is done about a body that is missing or damaged where it is kept. */
export interface LostBodies {
  /**
   * Schedules another fetch of a message whose body is missing or damaged: the message becomes `pending` in the live
   * lane. The change feed reports it as `gone` until it is `stored` again.
   *
   * @returns false, without a change, when the row no longer names that object, or its body inside the database is
   * whole
   */
  refetchLost(request: { mailbox: MailboxId; lost: LostBody; now: number }): Promise<boolean>;
}

export function bodyLost(mailbox: MailboxId, { messageId, reason, url }: LostBody): StoreError {
  return new StoreError(
    { kind: 'body-lost' },
    `The body of message ${messageId} of ${mailbox} is ${reason} ${url === IN_DATABASE ? 'in' : 'at'} ${url}.`,
    { mailbox, remedy: { kind: 'check-bodies', mailbox, rebuild: false } },
  );
}

/**
 * See {@link LostBodies.refetchLost}. A row that now names another object is left alone, since it was already fetched
 * again. The lost object counts as unwritten from then on, so that the next writer of the same bytes writes it again,
 * also for the other rows that name it.
 */
export function refetchLost(database: StoreDatabase, request: RequestOf<LostBodies, 'refetchLost'>): Promise<boolean> {
  const { mailbox, lost, now } = request;
  return withMailbox(database, mailbox, async (locked) => {
    if (!(await isStillLost(locked, lost))) return false;
    const before = (await loadRows(locked, [lost.messageId])).get(lost.messageId);
    if (before === undefined) return false;
    if (lost.objectKey !== null)
      await locked.tx.updateTable('body_objects').set({ written: 0 }).where('key', '=', lost.objectKey).execute();
    const bodiless = { ...before, format: null };
    await writeDifferences(
      locked,
      [{ before, after: before.state === 'stored' ? toFetch(bodiless, 'live', now) : bodiless }],
      now,
    );
    return true;
  });
}

async function isStillLost({ tx, key }: MailboxTransaction, { messageId, objectKey }: LostBody): Promise<boolean> {
  const outside = await tx
    .selectFrom('outside_bodies')
    .select('object_key')
    .where('mailbox_key', '=', key)
    .where('message_id', '=', messageId)
    .executeTakeFirst();
  if (objectKey !== null) return outside?.object_key === objectKey;
  const inside = await tx
    .selectFrom('bodies')
    .select(['encoding', 'body'])
    .where('mailbox_key', '=', key)
    .where('message_id', '=', messageId)
    .executeTakeFirst();
  return inside !== undefined && decodeIfWhole(inside.encoding, inside.body) === null;
}
