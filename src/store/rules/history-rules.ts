import type { HistoryOperation } from '../../model/change.ts';
import { compareHistoryIds, type HistoryId, type LabelId } from '../../model/ids.ts';
import { isHiding } from '../../model/settings.ts';
import { ARRIVED, isUnfetched, newRow, sameLabelIds, sortedLabelIds, type MessageRow } from './message-row.ts';
import { followKnownScope, readLabelsAgain, waitsForLabels } from './refresh-rules.ts';
import { labelsExclude, followScope, toFetch, toGone, withoutWork, type RowRules } from './row-scope.ts';

type LabelOperation = Extract<HistoryOperation, { kind: 'labelsAdded' | 'labelsRemoved' }>;

const DRAFT = 'DRAFT' as LabelId;
/**
 * Each save of a draft makes a new message and deletes the last one, so a draft is fetched only after this time (ms).
 */
const DRAFT_REST = 60_000;
/**
 * Ms by which the body of a deleted message is kept longer until history has shown the deletion in two answers, half a
 * minute apart. If a second answer does not show it, the weekly audit finds the message before its body is dropped.
 */
const SHOWN_ONCE = 8 * 24 * 60 * 60_000;

export type HistoryEffect = 'added' | 'deleted' | 'relabelled' | 'late' | 'none';

export interface OperationOutcome {
  /** null: the message stays unknown. */
  readonly row: MessageRow | null;
  readonly effect: HistoryEffect;
}

/**
 * Applies one operation of a history record to its row. `HistoryStore.applyHistory` states the rules. Applying an
 * operation again, or late, gives the same row.
 *
 * @param known - whether this operation was applied before, or is settled and below the mark, which means the same
 */
export function applyOperation(
  row: MessageRow | null,
  operation: HistoryOperation,
  recordId: HistoryId,
  known: boolean,
  rules: RowRules,
): OperationOutcome {
  if (row === null) return applyToUnknown(null, operation, recordId, rules);
  if (isContained(row, recordId)) return { row, effect: 'none' };
  if (row.state === 'gone') return applyToGone(row, operation, recordId, rules);
  if (known) return { row, effect: 'none' };
  const late = row.historyId !== null && compareHistoryIds(recordId, row.historyId) < 0;
  if (late) return appearedLate(row, operation, rules);
  if (operation.kind === 'deleted')
    return { row: buriedByHistory({ ...row, historyId: recordId }, rules.now), effect: 'deleted' };
  return applyToHeld({ ...row, historyId: recordId }, operation, rules);
}

/** A body that is not buried yet waits longer, for a second answer. */
function buriedByHistory(row: MessageRow, now: number): MessageRow {
  const gone = toGone(row, now);
  if (row.state === 'gone' && row.buriedAt !== null) return gone;
  return { ...gone, buriedAt: gone.format === null ? null : now + SHOWN_ONCE };
}

/** The row after another answer has shown an operation that was applied before. */
export function shownAgain(row: MessageRow, { kind }: HistoryOperation, recordId: HistoryId, now: number): MessageRow {
  const isItsDeletion = kind === 'deleted' && row.state === 'gone' && row.historyId === recordId;
  return isItsDeletion && row.buriedAt !== null && row.buriedAt > now ? { ...row, buriedAt: now } : row;
}

/**
 * Notes in the row that the message has arrived, when history first reports it as added. However old the message is,
 * this also holds if the store knew it before: fetched with its thread, shown by a label, listed after the newest were
 * chosen, or listed by a listing that has not ended.
 *
 * @param listed - the generation of the last listing that has ended
 */
export function asArrived(
  row: MessageRow,
  operation: HistoryOperation,
  { rules, listed }: { readonly rules: RowRules; readonly listed: number },
): MessageRow {
  const { admittedGeneration: admitted } = row;
  const isInByAnOlderListing = admitted !== null && admitted <= listed;
  if (operation.kind !== 'added' || isInByAnOlderListing) return row;
  return followKnownScope({ ...row, admittedGeneration: ARRIVED }, rules);
}

function isContained(row: MessageRow, recordId: HistoryId): boolean {
  return row.readingHistoryId !== null && compareHistoryIds(recordId, row.readingHistoryId) <= 0;
}

function applyToGone(
  row: MessageRow,
  operation: HistoryOperation,
  recordId: HistoryId,
  rules: RowRules,
): OperationOutcome {
  const newer = row.historyId === null || compareHistoryIds(recordId, row.historyId) > 0;
  return newer ? applyToUnknown(row, operation, recordId, rules) : { row, effect: 'none' };
}

/** Applies an operation to an unknown id, or to a tombstone, whose former content no longer counts. */
function applyToUnknown(
  tombstone: MessageRow | null,
  operation: HistoryOperation,
  recordId: HistoryId,
  rules: RowRules,
): OperationOutcome {
  const base = tombstone ?? newRow(operation.messageId, operation.threadId, 'live', rules.now);
  const row: MessageRow = { ...base, threadId: operation.threadId, historyId: recordId };
  if (operation.kind === 'deleted')
    return { row: buriedByHistory(row, rules.now), effect: tombstone === null ? 'deleted' : 'none' };
  if (operation.kind !== 'added') {
    if (!mayEnterScope(operation, rules)) return { row: tombstone, effect: 'none' };
    return { row: toFetch(row, 'live', rules.now), effect: 'added' };
  }
  const arrived: MessageRow = { ...row, admittedGeneration: row.admittedGeneration ?? ARRIVED };
  if (operation.labelIds !== null && labelsExclude(operation.labelIds, rules)) {
    return {
      row: withoutWork({ ...arrived, labelIds: sortedLabelIds(operation.labelIds) }, 'excluded'),
      effect: 'added',
    };
  }
  const fetched = toFetch(arrived, 'live', rules.now);
  return {
    row: operation.labelIds?.includes(DRAFT) === true ? { ...fetched, nextAttemptAt: rules.now + DRAFT_REST } : fetched,
    effect: 'added',
  };
}

/**
 * Applies a record that appeared late. A pending row waits for a get at least as new as the row, which will contain the
 * record.
 */
function appearedLate(row: MessageRow, operation: HistoryOperation, rules: RowRules): OperationOutcome {
  if (isUnfetched(row) || operation.kind === 'added') return { row, effect: 'none' };
  return { row: readLabelsAgain(row, rules.now), effect: 'late' };
}

function applyToHeld(
  row: MessageRow,
  operation: Exclude<HistoryOperation, { kind: 'deleted' }>,
  rules: RowRules,
): OperationOutcome {
  if (isUnfetched(row)) {
    // Its get brings the labels. A message that the listing and history both found is new mail, which must not wait for
    // a slice. If a slice is already fetching it, both lanes do: that spends some units twice and stores the same row.
    if (operation.kind === 'added' && row.lane === 'backfill') return { row: { ...row, lane: 'live' }, effect: 'none' };
    const isSent = operation.kind === 'labelsRemoved' && operation.labelIds.includes(DRAFT) && row.attempts === 0;
    return { row: isSent ? { ...row, nextAttemptAt: 0 } : row, effect: 'none' };
  }
  if (operation.kind === 'added') {
    // The record is newer than the last get, so the message was away in between and its labels may have changed.
    const same = operation.labelIds !== null && sameLabelIds(sortedLabelIds(operation.labelIds), row.labelIds);
    return same ? { row, effect: 'none' } : { row: readLabelsAgain(row, rules.now), effect: 'late' };
  }
  const labelIds = afterLabelOperation(row, operation);
  const effect = sameLabelIds(labelIds, row.labelIds) ? 'none' : 'relabelled';
  return {
    row: isUncertain(row, operation, rules) ? { ...row, labelIds } : followScope({ ...row, labelIds }, rules),
    effect,
  };
}

/**
 * Whether a label operation leaves the state to a coming get. Labels that wait to be read again do not put a message
 * out of scope; a label that hides the message does so at once.
 */
function isUncertain(row: MessageRow, operation: LabelOperation, rules: RowRules): boolean {
  const isHidden =
    operation.kind === 'labelsAdded' &&
    labelsExclude(operation.labelIds.filter(isHiding), rules) &&
    operation.labelIds.some(isHiding);
  return waitsForLabels(row, rules) && row.state === 'stored' && !isHidden;
}

function afterLabelOperation(row: MessageRow, operation: LabelOperation): MessageRow['labelIds'] {
  if (operation.kind === 'labelsAdded') return sortedLabelIds([...row.labelIds, ...operation.labelIds]);
  return row.labelIds.filter((id) => !operation.labelIds.includes(id));
}

/** Whether a label operation may have brought an otherwise unknown message into scope. */
function mayEnterScope(operation: LabelOperation, { scope }: RowRules): boolean {
  if (operation.kind === 'labelsRemoved') return operation.labelIds.some(isHiding);
  if (scope.labelIds.length > 0) return operation.labelIds.some((id) => scope.labelIds.includes(id));
  return operation.labelIds.some((id) => !isHiding(id));
}
