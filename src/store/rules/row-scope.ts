import { CHAT, type LabelId } from '../../model/ids.ts';
import { inScope, type MessageFormat, type Scope } from '../../model/settings.ts';
import type { FetchLane, MessageRow } from './message-row.ts';

/** Milliseconds after which what a stored message lacks is asked for again where nothing else says when. */
export const LACKING_AGAIN = 24 * 60 * 60_000;

/** What decides over rows during one transaction. */
export interface RowRules {
  readonly scope: Scope;
  readonly format: MessageFormat;
  /** Whether a body must hold its attachments: see {@link wantsAttachments}. */
  readonly attachments: boolean;
  /**
   * With a limit in the scope: the internal date of the oldest message within it. Older messages stay out when a label
   * operation brings them up, unless a listing admitted them. null without a limit, and while the date is not known yet:
   * when the backfill ends it is, and what came in meanwhile is sorted out (see scope-floor.ts).
   */
  readonly floor: number | null;
  readonly now: number;
}

export function isInScope(row: MessageRow, { scope, floor }: RowRules): boolean {
  if (!inScope(scope, row)) return false;
  return floor === null || row.admittedGeneration !== null || row.internalDate === null || row.internalDate >= floor;
}

/** Whether labels alone put a message out of scope. */
export function labelsExclude(labelIds: readonly LabelId[], { scope }: RowRules): boolean {
  return !inScope(scope, { labelIds, internalDate: null });
}

/**
 * Whether the held body is what the settings want, or the most of it that Gmail gives. One that only lacks attachments is kept, and completed:
 * see activities/complete-message.ts.
 */
export function isComplete(row: MessageRow, { format, attachments }: Pick<RowRules, 'format' | 'attachments'>): boolean {
  if (format === 'raw' && row.format === 'full') return row.lacks === 'raw';
  return row.format === format && (!attachments || row.attachmentsHeld || row.lacks === 'attachments');
}

/** The state of a row whose labels are known: `stored` when it is in scope and its body held, else `excluded`, or `pending` for its body. */
export function followScope(row: MessageRow, rules: RowRules, lane: FetchLane = 'live'): MessageRow {
  if (!isInScope(row, rules)) return withoutWork(row, 'excluded');
  if (isComplete(row, rules)) return isAskedAgain(row, rules) ? askedAgain(row, rules.now) : withoutWork(row, 'stored');
  return row.state === 'pending' || row.state === 'failed' ? row : toFetch(row, lane, rules.now);
}

export function withoutWork(row: MessageRow, state: 'stored' | 'excluded'): MessageRow {
  if (row.state === state && row.lane === null) return row;
  return { ...row, state, lane: null, attempts: 0, lastError: null, nextAttemptAt: 0 };
}

/** Whether Gmail may give later what a complete row lacks: attachments that are wanted, and the raw of any message but a chat. */
function isAskedAgain(row: MessageRow, { format, attachments }: RowRules): boolean {
  if (row.lacks === 'raw') return format === 'raw' && !row.labelIds.includes(CHAT);
  return attachments && row.lacks === 'attachments';
}

/** What Gmail did not give is asked for again, ever more rarely; the message is readable meanwhile. */
function askedAgain(row: MessageRow, now: number): MessageRow {
  return row.state === 'stored' && row.lane !== null ? row : { ...row, state: 'stored', lane: 'backfill', nextAttemptAt: now + LACKING_AGAIN };
}

/**
 * A tombstone: it keeps older readings away. A held body stays for a while ({@link MailboxStore.dropBuriedBodies}), so that a verdict which turns out
 * to be wrong is undone without a fetch.
 */
export function toGone(row: MessageRow, now: number): MessageRow {
  if (row.state === 'gone') return row;
  // Told as gone also where the same transaction brings it back: it is fetched again, and readable only then.
  return { ...row, state: 'gone', announced: false, buriedAt: row.format === null ? null : now, lane: null, attempts: 0, lastError: null, nextAttemptAt: 0, refreshAt: null };
}

export function toFetch(row: MessageRow, lane: FetchLane, now: number): MessageRow {
  return { ...row, state: 'pending', lacks: null, lane, attempts: 0, lastError: null, nextAttemptAt: 0, discoveredAt: now };
}
