import type { Kysely, Selectable } from 'kysely';
import { withinDates } from '../../model/date-range.ts';
import type { MailboxId, MessageId } from '../../model/ids.ts';
import type { ConsentCode, EventDetails, NotedEvent, SubscribedEvent } from '../../model/subscribed-event.ts';
import { bulkInsert, type ColumnValue } from '../engines/bulk-insert.ts';
import type { MailboxTransaction } from '../engines/mailbox-transaction.ts';
import type { Schema } from '../engines/schema.ts';
import type { SubscribedEventTable } from '../engines/subscription-tables.ts';

const EVENTS = {
  table: 'mailbox_events',
  columns: ['mailbox_key', 'number', 'id', 'after_sequence', 'kind', 'message_id', 'code', 'reason', 'at'],
  key: ['mailbox_key', 'number'],
  onConflict: 'ignore',
} as const;

/**
 * An event that is to be stored. An event without an id is written in the transaction that causes it, so no attempt
 * repeats it.
 */
export type NewEvent = Omit<NotedEvent, 'id'> & { readonly id: string | null };

/**
 * Appends events of a mailbox, once in a transaction. Numbers have no gaps, and the order among changes is known, since
 * both are drawn under the mailbox's lock.
 */
export async function appendEvents(locked: MailboxTransaction, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const last = locked.columns.event_sequence;
  await bulkInsert(
    locked.tx,
    EVENTS,
    events.map(({ id, at, details }, index) => [
      locked.key,
      last + index + 1,
      id,
      locked.sequence,
      details.kind,
      ...detailValues(details),
      Math.round(at),
    ]),
  );
  await locked.updateMailbox({ event_sequence: last + events.length });
  locked.announceEvents();
}

/** The columns `message_id`, `code` and `reason`. */
function detailValues(details: EventDetails): readonly ColumnValue[] {
  switch (details.kind) {
    case 'needs-consent':
      return [null, details.code, details.reason];
    case 'message-failed':
      return [details.messageId, null, details.reason];
    case 'recovered':
    case 'in-sync':
      return [null, null, null];
  }
}

/** The next events of a mailbox after a number, oldest first. */
export async function eventsAfter(
  db: Kysely<Schema>,
  { mailbox, key }: { readonly mailbox: MailboxId; readonly key: number },
  after: number,
  limit: number,
): Promise<readonly SubscribedEvent[]> {
  const rows = await db
    .selectFrom('mailbox_events')
    .selectAll()
    .where('mailbox_key', '=', key)
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute();
  return rows.map((row) => toEvent(mailbox, row));
}

function toEvent(mailbox: MailboxId, row: Selectable<SubscribedEventTable>): SubscribedEvent {
  const { number, after_sequence: after, at } = row;
  return { mailbox, number, after, at: withinDates(at), ...toDetails(row) };
}

function toDetails({ kind, message_id: messageId, code, reason }: Selectable<SubscribedEventTable>): EventDetails {
  switch (kind) {
    case 'needs-consent':
      return { kind, code: toCode(code), reason: reason ?? '' };
    case 'message-failed':
      return { kind, messageId: (messageId ?? '') as MessageId, reason: reason ?? '' };
    case 'recovered':
      return { kind };
    default:
      return { kind: 'in-sync' };
  }
}

const CODES: readonly ConsentCode[] = ['access-revoked', 'scope-missing', 'other-account', 'not-connected'];

function toCode(code: string | null): ConsentCode {
  return CODES.find((known) => known === code) ?? 'access-revoked';
}
