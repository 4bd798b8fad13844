import type { Lacking, WhyGone } from '../../model/change.ts';
import { compareHistoryIds, type HistoryId, type LabelId, type MessageId, type ThreadId } from '../../model/ids.ts';
import type { Lane } from '../../model/lane.ts';
import { UNSEEN } from '../../model/not-found.ts';
import type { MessageFormat } from '../../model/settings.ts';

export type MessageState = 'pending' | 'stored' | 'failed' | 'gone' | 'excluded';

/** The message is still to be fetched. A failed message is asked for again, but rarely. */
export const UNFETCHED_STATES: readonly string[] = ['pending', 'failed'] satisfies MessageState[];

/** No fetch is needed to decide the state: the scope decides which of the two it is. */
export const DECIDED_STATES: readonly string[] = ['stored', 'excluded'] satisfies MessageState[];

/** The message is within the scope. */
export const HELD_STATES: readonly string[] = ['stored' satisfies MessageState, ...UNFETCHED_STATES];

/** The message exists at Gmail, as far as the store knows. */
export const EXISTING_STATES: readonly string[] = [...DECIDED_STATES, ...UNFETCHED_STATES];

export const isUnfetched = ({ state }: { readonly state: string }): boolean => UNFETCHED_STATES.includes(state);

export const isDecided = ({ state }: { readonly state: string }): boolean => DECIDED_STATES.includes(state);

/**
 * Whether Gmail does not give a message that it has not shown to be gone. Any other `failed` row is one that no full
 * sync waits for: neither its gets nor its thread show the message, so it seems deleted. A person's retry begins that
 * search again, and clears the row's error.
 */
export const isFailing = ({ state, lastError }: Pick<MessageRow, 'state' | 'lastError'>): boolean =>
  state === 'failed' && lastError !== null && lastError !== UNSEEN;

/** One message as the rules see it. Rows are immutable: a rule that changes nothing returns the same object. */
export interface MessageRow {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  /** Sorted; empty while they are not known. */
  readonly labelIds: readonly LabelId[];
  readonly state: MessageState;
  /** The newest history id at which this message is known to have changed, by a get or by a record. */
  readonly historyId: HistoryId | null;
  /** The row contains everything up to this history id, which comes from the last get or the last compared listing. */
  readonly readingHistoryId: HistoryId | null;
  readonly internalDate: number | null;
  readonly sizeEstimate: number;
  readonly snippet: string;
  /** The format in which the body is held; null when no body is held. */
  readonly format: MessageFormat | null;
  /** How many parts Gmail keeps apart from a FULL body; null when the body does not say. */
  readonly attachments: number | null;
  /** True when the body holds the attachments, or the message has none. */
  readonly attachmentsHeld: boolean;
  /** What Gmail does not give of the message: `raw` (its FULL body stands in), or `attachments`. */
  readonly lacks: Lacking | null;
  /** Set only for pending and failed rows, and for stored rows whose attachments or raw form are asked for again. */
  readonly lane: Lane | null;
  readonly position: number | null;
  readonly listedGeneration: number;
  /**
   * The generation whose listing counted the message within the scope's limit, or {@link ARRIVED}; null for neither.
   */
  readonly admittedGeneration: number | null;
  readonly attempts: number;
  readonly lastError: string | null;
  /** 0: at once. */
  readonly nextAttemptAt: number;
  readonly discoveredAt: number;
  readonly refreshAt: number | null;
  readonly announced: boolean;
  /**
   * When a `gone` message was buried, while its body is still kept; null otherwise, and while a doubt or a label's
   * listing keeps the body of a message outside the scope.
   */
  readonly buriedAt: number | null;
  /** Why a `gone` row is gone; null for other rows, and where an earlier version did not say. */
  readonly goneBecause: WhyGone | null;
  /** True when the headers of the held body are stored. */
  readonly described: boolean;
}

/** The `listedGeneration` of a row that no listing has shown. */
export const UNLISTED = 0;

/** The `admittedGeneration` of a message that arrived after a listing: no limit concerns it, whatever its date. */
export const ARRIVED = 0;

/** Whether a listing counted the message within the scope's limit. */
export const isCounted = ({ admittedGeneration }: Pick<MessageRow, 'admittedGeneration'>): boolean =>
  admittedGeneration !== null && admittedGeneration !== ARRIVED;

/** Whether the last get, or the last compared listing, contains the newest change of the message that is known. */
export const isCurrent = ({
  historyId,
  readingHistoryId,
}: Pick<MessageRow, 'historyId' | 'readingHistoryId'>): boolean =>
  readingHistoryId !== null && (historyId === null || compareHistoryIds(readingHistoryId, historyId) >= 0);

/** A message that just became known: to be fetched at once. */
export function newRow(id: MessageId, threadId: ThreadId, lane: Lane, now: number): MessageRow {
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
    goneBecause: null,
    described: false,
  };
}

/** Label ids as rows hold them: sorted, each once. */
export function sortedLabelIds(labelIds: Iterable<LabelId>): readonly LabelId[] {
  return [...new Set(labelIds)].toSorted();
}

export function sameLabelIds(a: readonly LabelId[], b: readonly LabelId[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
