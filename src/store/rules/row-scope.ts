import type { WhyGone } from '../../model/change.ts';
import { CHAT, type LabelId } from '../../model/ids.ts';
import { inScope, type MessageFormat, type Scope } from '../../model/settings.ts';
import type { Lane } from '../../model/lane.ts';
import { isUnfetched, type MessageRow } from './message-row.ts';

/** Ms after which a stored message's missing part is asked for again, unless an attempt has set another time. */
export const LACKING_AGAIN = 24 * 60 * 60_000;

/** The rules that decide over rows during one transaction. */
export interface RowRules {
  readonly scope: Scope;
  readonly format: MessageFormat;
  /** Whether a body must hold its attachments: see `wantsAttachments`. */
  readonly attachments: boolean;
  /**
   * With a limit in the scope: the internal date of the oldest message within it. Older messages stay out when a label
   * operation concerns them, unless a listing admitted them. null without a limit, and until the floor is known. If the
   * end of the listing cannot tell the floor, the end of the backfill does, and older messages that came in meanwhile
   * are put out of scope (see scope-floor.ts).
   */
  readonly floor: number | null;
  /** With a limit in the scope: listings or gets have yet to tell whether there is a floor, or which date it has. */
  readonly isFloorOpen: boolean;
  readonly now: number;
}

export function isInScope(row: MessageRow, { scope, floor }: RowRules): boolean {
  if (!inScope(scope, row)) return false;
  return floor === null || row.admittedGeneration !== null || row.internalDate === null || row.internalDate >= floor;
}

/** Whether the labels are enough to put a message out of scope. */
export function labelsExclude(labelIds: readonly LabelId[], { scope }: RowRules): boolean {
  return !inScope(scope, { labelIds, internalDate: null });
}

/**
 * Whether the held body is what the settings want, or as much of it as Gmail gives. A body that only lacks attachments
 * is kept and completed: see activities/complete-message.ts.
 */
export function isComplete(
  row: Pick<MessageRow, 'format' | 'attachmentsHeld' | 'lacks'>,
  { format, attachments }: Pick<RowRules, 'format' | 'attachments'>,
): boolean {
  if (format === 'raw' && row.format === 'full') return row.lacks === 'raw';
  return row.format === format && (!attachments || row.attachmentsHeld || row.lacks === 'attachments');
}

/**
 * Lets the scope decide the state of a row with known labels: `excluded` outside of it; within it `stored` with a
 * complete body, else `pending`.
 */
export function followScope(row: MessageRow, rules: RowRules, lane: Lane = 'live'): MessageRow {
  if (!isInScope(row, rules)) return withoutWork(row, 'excluded');
  if (isComplete(row, rules)) return isAskedAgain(row, rules) ? askedAgain(row, rules.now) : withoutWork(row, 'stored');
  return isUnfetched(row) ? row : toFetch(row, lane, rules.now);
}

export function withoutWork(row: MessageRow, state: 'stored' | 'excluded'): MessageRow {
  if (row.state === state && row.lane === null) return row;
  return { ...row, state, lane: null, attempts: 0, lastError: null, nextAttemptAt: 0 };
}

/** Whether Gmail may give the missing part later: wanted attachments, and the raw of any message but a chat. */
function isAskedAgain(row: MessageRow, { format, attachments }: RowRules): boolean {
  if (row.lacks === 'raw') return format === 'raw' && !row.labelIds.includes(CHAT);
  return attachments && row.lacks === 'attachments';
}

/** The missing part is asked for again, ever more rarely. The message is readable meanwhile. */
function askedAgain(row: MessageRow, now: number): MessageRow {
  return row.state === 'stored' && row.lane !== null
    ? row
    : { ...row, state: 'stored', lane: 'backfill', nextAttemptAt: now + LACKING_AGAIN };
}

/**
 * Makes the row a tombstone, which keeps out older answers. A held body stays for a while ({@link
 * BuriedBodies.dropBuriedBodies}), so that a wrong verdict can be undone without a fetch.
 */
export function toGone(row: MessageRow, now: number, why: WhyGone = 'deleted'): MessageRow {
  if (row.state === 'gone')
    return row.goneBecause === 'excluded' && why === 'deleted' ? { ...row, goneBecause: why } : row;
  // The feed reports the message as gone even if the same transaction brings it back, unless its body is held and it is
  // readable at once.
  return {
    ...row,
    state: 'gone',
    announced: false,
    buriedAt: row.format === null ? null : now,
    goneBecause: why,
    lane: null,
    attempts: 0,
    lastError: null,
    nextAttemptAt: 0,
    refreshAt: null,
  };
}

export function toFetch(row: MessageRow, lane: Lane, now: number): MessageRow {
  return {
    ...row,
    state: 'pending',
    lacks: null,
    lane,
    attempts: 0,
    lastError: null,
    nextAttemptAt: 0,
    discoveredAt: now,
  };
}
