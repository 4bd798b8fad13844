import type { Selectable } from 'kysely';
import { withinDates } from '../../model/date-range.ts';
import type { Change } from '../../model/change.ts';
import type { LabelId, MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import { fromHistoryIdText } from '../engines/history-id-text.ts';
import type { ChangeTable } from '../engines/feed-tables.ts';
import { parseLabelIds, toWhyGone } from './message-columns.ts';

/** Label lists repeat, and parsing them would take most of the time of reading the feed. */
const KEPT_LISTS = 1_000;
const lists = new Map<string, readonly LabelId[]>();

function labelList(text: string): readonly LabelId[] {
  const kept = lists.get(text);
  if (kept !== undefined) return kept;
  const list = Object.freeze(parseLabelIds(text));
  if (lists.size >= KEPT_LISTS) lists.clear();
  lists.set(text, list);
  return list;
}

/** A row of `changes` as {@link Change}. */
export function toChange(mailbox: MailboxId, row: Omit<Selectable<ChangeTable>, 'mailbox_key'>): Change {
  const message = {
    mailbox,
    sequence: row.sequence,
    messageId: row.message_id as MessageId,
    threadId: row.thread_id as ThreadId,
    labelIds: labelList(row.label_ids),
    added: row.added === null ? null : labelList(row.added),
    removed: row.removed === null ? null : labelList(row.removed),
    historyId: fromHistoryIdText(row.history_id),
    at: withinDates(row.at),
  };
  return row.kind === 'gone'
    ? { ...message, kind: 'gone', why: toWhyGone(row.why) ?? 'unknown' }
    : { ...message, kind: row.kind === 'labels' ? 'labels' : 'stored' };
}
