import type { Selectable } from 'kysely';
import type { Change } from '../../model/change.ts';
import type { MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import { fromHistoryIdText } from '../engines/history-id-text.ts';
import type { ChangeTable } from '../engines/schema.ts';
import { parseLabelIds, toWhyGone } from './message-columns.ts';

/** A row of `changes` as {@link Change}. */
export function toChange(mailbox: MailboxId, row: Omit<Selectable<ChangeTable>, 'mailbox_key'>): Change {
  const message = {
    mailbox,
    sequence: row.sequence,
    messageId: row.message_id as MessageId,
    threadId: row.thread_id as ThreadId,
    labelIds: parseLabelIds(row.label_ids),
    added: row.added === null ? null : parseLabelIds(row.added),
    removed: row.removed === null ? null : parseLabelIds(row.removed),
    historyId: fromHistoryIdText(row.history_id),
    at: row.at,
  };
  return row.kind === 'gone'
    ? { ...message, kind: 'gone', why: toWhyGone(row.why) ?? 'unknown' }
    : { ...message, kind: row.kind === 'labels' ? 'labels' : 'stored' };
}
