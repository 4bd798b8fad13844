import { sql } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import type { NotedEvent } from '../../model/subscribed-event.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { appendEvents } from '../rows/event-rows.ts';

/** Keeps what happens to mailboxes besides changes of their mail. */
export interface EventStore {
  /**
   * Stores events in their order, after the changes that the mailbox has. An event that is stored already stays as it
   * is.
   */
  noteEvents(request: { mailbox: MailboxId; events: readonly NotedEvent[] }): Promise<void>;
  /**
   * Deletes the events from before `before` (epoch ms). An event that a subscription has yet to deliver is kept.
   *
   * @returns how many were deleted
   */
  pruneEvents(request: { before: number }): Promise<number>;
}

/** See {@link EventStore.noteEvents}. */
export async function noteEvents(
  database: StoreDatabase,
  { mailbox, events }: RequestOf<EventStore, 'noteEvents'>,
): Promise<void> {
  await withMailbox(database, mailbox, async (locked) => {
    const stored = await locked.tx
      .selectFrom('mailbox_events')
      .select('id')
      .where('mailbox_key', '=', locked.key)
      .where(
        locked.dialect.isOneOf(
          'id',
          events.map(({ id }) => id),
        ),
      )
      .execute();
    const known = new Set(stored.map(({ id }) => id));
    await appendEvents(
      locked,
      events.filter(({ id }) => !known.has(id)),
    );
  });
}

/** See {@link EventStore.pruneEvents}. */
export async function pruneEvents(database: StoreDatabase, { before }: { before: number }): Promise<number> {
  const { numAffectedRows = 0n } = await database.write((tx) =>
    sql`delete from mailbox_events where at < ${before} and not exists (
      select 1 from delivery_positions p join subscriptions s on s.name = p.subscription
      where p.mailbox_key = mailbox_events.mailbox_key and s.ended_at is null and p.event < mailbox_events.number
    )`.execute(tx),
  );
  return Number(numAffectedRows);
}
