import type { Selectable } from 'kysely';
import type { Lacking } from '../../model/change.ts';
import type { HistoryId, LabelId, MessageId, ThreadId } from '../../model/ids.ts';
import { MESSAGE_FORMATS, type MessageFormat } from '../../model/settings.ts';
import { fromHistoryIdText, toHistoryIdText } from '../engines/history-id-text.ts';
import { storedDate, storedSize } from '../engines/safe-integer.ts';
import type { MessageTable } from '../engines/schema.ts';

export type MessageState = 'pending' | 'stored' | 'failed' | 'gone' | 'excluded';
export type FetchLane = 'live' | 'backfill';

/** One message as the rules see it. Never changed in place: a rule that changes nothing answers the same object. */
export interface MessageRow {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  /** Sorted; empty while they are not known. */
  readonly labelIds: readonly LabelId[];
  readonly state: MessageState;
  /** The newest history id at which this message is known to have changed: of a reading, or of a record. */
  readonly historyId: HistoryId | null;
  /** Everything up to it is contained in the row: of the last reading, or of the listing that was compared. */
  readonly readingHistoryId: HistoryId | null;
  readonly internalDate: number | null;
  readonly sizeEstimate: number;
  readonly snippet: string;
  /** The format in which the body is held; null when it is not. */
  readonly format: MessageFormat | null;
  /** How many parts Gmail keeps apart from a FULL body; null where the body does not tell. */
  readonly attachments: number | null;
  /** True when the body holds them, or there are none. */
  readonly attachmentsHeld: boolean;
  /** What it lacks, because Gmail does not give it: `raw` (its FULL body stands in), `attachments`. */
  readonly lacks: Lacking | null;
  /** Not null exactly for pending and failed rows, and for stored ones whose attachments or raw are asked for again. */
  readonly lane: FetchLane | null;
  readonly position: number | null;
  readonly listedGeneration: number;
  readonly admittedGeneration: number | null;
  readonly attempts: number;
  readonly lastError: string | null;
  /** 0: at once. */
  readonly nextAttemptAt: number;
  readonly discoveredAt: number;
  readonly refreshAt: number | null;
  readonly announced: boolean;
  /** When a `gone` message was buried, while its body is still kept; null otherwise. */
  readonly buriedAt: number | null;
}

/** Not listed by any generation. */
export const UNLISTED = 0;

/** A message that just became known: to be fetched at once. */
export function newRow(id: MessageId, threadId: ThreadId, lane: FetchLane, now: number): MessageRow {
  return {
    id,
    threadId,
    labelIds: [],
    state: 'pending',
    historyId: null,
    readingHistoryId: null,
    internalDate: null,
    sizeEstimate: 0,
    snippet: '',
    format: null,
    attachments: null,
    attachmentsHeld: false,
    lacks: null,
    lane,
    position: null,
    listedGeneration: UNLISTED,
    admittedGeneration: null,
    attempts: 0,
    lastError: null,
    nextAttemptAt: 0,
    discoveredAt: now,
    refreshAt: null,
    announced: false,
    buriedAt: null,
  };
}

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
    lane: columns.lane as FetchLane | null,
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

/** Label ids as rows hold them: sorted, each once. */
export function sortedLabelIds(labelIds: Iterable<LabelId>): readonly LabelId[] {
  return [...new Set(labelIds)].toSorted();
}

export function sameLabelIds(a: readonly LabelId[], b: readonly LabelId[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
