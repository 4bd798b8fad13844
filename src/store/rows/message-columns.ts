import type { Selectable } from 'kysely';
import type { Lacking, WhyGone } from '../../model/change.ts';
import type { LabelId, MessageId, ThreadId } from '../../model/ids.ts';
import { MESSAGE_FORMATS, type MessageFormat } from '../../model/settings.ts';
import { fromHistoryIdText, toHistoryIdText } from '../engines/history-id-text.ts';
import { storedDate, storedSize } from '../engines/safe-integer.ts';
import type { MessageTable } from '../engines/message-tables.ts';
import type { Lane } from '../../model/lane.ts';
import type { MessageRow, MessageState } from '../rules/message-row.ts';

/** The columns in the order in which {@link toColumnValues} gives their values. */
export const MESSAGE_COLUMNS = [
  'mailbox_key',
  'id',
  'thread_id',
  'label_ids',
  'state',
  'history_id',
  'reading_history_id',
  'internal_date',
  'size_estimate',
  'snippet',
  'format',
  'attachments',
  'attachments_held',
  'lacks',
  'lane',
  'rank',
  'position',
  'listed_generation',
  'admitted_generation',
  'attempts',
  'last_error',
  'next_attempt_at',
  'discovered_at',
  'refresh_at',
  'announced',
  'buried_at',
  'gone_because',
  'described',
] as const satisfies readonly (keyof MessageTable)[];

export function toColumnValues(mailboxKey: number, row: MessageRow): (string | number | null)[] {
  return [
    mailboxKey,
    row.id,
    row.threadId,
    JSON.stringify(row.labelIds),
    row.state,
    toHistoryIdText(row.historyId),
    toHistoryIdText(row.readingHistoryId),
    row.internalDate,
    row.sizeEstimate,
    row.snippet,
    row.format,
    row.attachments,
    row.attachmentsHeld ? 1 : 0,
    row.lacks,
    row.lane,
    rank(row),
    row.position,
    row.listedGeneration,
    row.admittedGeneration,
    row.attempts,
    row.lastError,
    row.nextAttemptAt,
    row.discoveredAt,
    row.refreshAt,
    row.announced ? 1 : 0,
    row.state === 'gone' ? row.buriedAt : null,
    row.state === 'gone' ? row.goneBecause : null,
    row.format !== null && row.described ? 1 : 0,
  ];
}

/** Live rows: newest discovered first. Backfill rows: by position, newest first. */
function rank(row: MessageRow): number {
  return row.lane === 'live' ? -row.discoveredAt : (row.position ?? 0);
}

export function fromColumns(columns: Selectable<MessageTable>): MessageRow {
  return {
    id: columns.id as MessageId,
    threadId: columns.thread_id as ThreadId,
    labelIds: parseLabelIds(columns.label_ids),
    state: columns.state as MessageState,
    historyId: fromHistoryIdText(columns.history_id),
    readingHistoryId: fromHistoryIdText(columns.reading_history_id),
    internalDate: storedDate(columns.internal_date),
    sizeEstimate: storedSize(columns.size_estimate),
    snippet: columns.snippet,
    format: toFormat(columns.format),
    attachments: columns.attachments,
    attachmentsHeld: columns.attachments_held === 1,
    lacks: toLacking(columns.lacks),
    lane: columns.lane as Lane | null,
    position: columns.position,
    listedGeneration: columns.listed_generation,
    admittedGeneration: columns.admitted_generation,
    attempts: columns.attempts,
    lastError: columns.last_error,
    nextAttemptAt: columns.next_attempt_at,
    discoveredAt: columns.discovered_at,
    refreshAt: columns.refresh_at,
    announced: columns.announced === 1,
    buriedAt: columns.buried_at,
    goneBecause: columns.state === 'gone' ? toWhyGone(columns.gone_because) : null,
    described: columns.described === 1,
  };
}

export function parseLabelIds(text: string): readonly LabelId[] {
  return JSON.parse(text) as LabelId[];
}

export function toFormat(text: string | null): MessageFormat | null {
  return MESSAGE_FORMATS.find((format) => format === text) ?? null;
}

export function toLacking(text: string | null): Lacking | null {
  return text === 'raw' || text === 'attachments' ? text : null;
}

/** null where an earlier version wrote the row or the entry, and did not say. */
export function toWhyGone(text: string | null): WhyGone | null {
  return text === 'deleted' || text === 'excluded' ? text : null;
}
