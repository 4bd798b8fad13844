import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { HistoryOperation } from '../model/change.ts';
import { compareHistoryIds, type HistoryId, type LabelId, type MessageId } from '../model/ids.ts';
import { isHiding, type Scope } from '../model/settings.ts';
import { historyPageAfter } from './history-page-after.ts';

/** Which listings lost a message in a span of history. */
export interface Vanished {
  /** The listing of the scope. */
  readonly fromScope: boolean;
  /** All listings: a message was deleted, or hidden in spam or trash. */
  readonly fromAll: boolean;
  /** The listings of these labels. */
  readonly fromLabels: ReadonlySet<LabelId>;
  /** The mailbox's head when this was asked. */
  readonly head: HistoryId;
  /**
   * Whether the records reach the head. History may lag behind: then a message may have moved although no record says
   * so yet.
   */
  readonly isWhole: boolean;
  /** How many messages may have entered or left the listing of the scope. */
  readonly moved: number;
  /** Messages that entered the listing of the scope, so that history brings them. */
  readonly entered: ReadonlySet<MessageId>;
  /** How many messages may have entered or left a label's listing. */
  movedUnder(label: LabelId): number;
}

/** The records after `since`, up to and with `until`; null means the mailbox's head. */
export interface HistorySpan {
  readonly since: HistoryId;
  readonly until?: HistoryId | null;
}

/**
 * Finds out which listings lost a message within a span of history. Page tokens may be offsets: when a message vanishes
 * they shift and skip a message that still exists. Costs 2 units per 500 records.
 */
export async function vanishedSince(
  session: GmailSession,
  { since, until = null }: HistorySpan,
  scope: Scope,
  signal: AbortSignal,
): Promise<Vanished> {
  const first = await session.listHistory({ startHistoryId: since, pageToken: null }, signal);
  const fromLabels = new Set<LabelId>();
  const moved = new Set<MessageId>();
  const entered = new Set<MessageId>();
  const movedUnder = new Map<LabelId | null, Set<MessageId>>();
  let fromScope = false;
  let fromAll = false;
  let last = since;
  for (let page = first; ;) {
    last = page.records.at(-1)?.id ?? last;
    const records = page.records.filter(({ id }) => until === null || compareHistoryIds(id, until) <= 0);
    for (const operation of records.flatMap((record) => record.operations)) {
      if (moves(operation, scope)) moved.add(operation.messageId);
      if (enters(operation, scope)) entered.add(operation.messageId);
      for (const label of labelsMoved(operation, scope))
        movedUnder.set(label, (movedUnder.get(label) ?? new Set()).add(operation.messageId));
      fromAll ||= hides(operation, scope);
      fromScope ||= leaves(operation, scope);
      if (operation.kind === 'labelsRemoved') for (const label of operation.labelIds) fromLabels.add(label);
    }
    if (page.nextPageToken === null) {
      const movedIn = (label: LabelId): number =>
        new Set([...(movedUnder.get(label) ?? []), ...(movedUnder.get(null) ?? [])]).size;
      const isWhole = compareHistoryIds(last, first.historyId) >= 0;
      const { historyId: head } = first;
      return { fromScope, fromAll, fromLabels, head, isWhole, moved: moved.size, entered, movedUnder: movedIn };
    }
    page = await historyPageAfter(session, { startHistoryId: since, pageToken: page.nextPageToken }, signal);
  }
}

function moves(operation: HistoryOperation, scope: Scope): boolean {
  if (operation.kind === 'added' || operation.kind === 'deleted') return true;
  return operation.labelIds.some((id) => scope.labelIds.includes(id) || (isHiding(id) && !scope.includeSpamTrash));
}

function leaves(operation: HistoryOperation, scope: Scope): boolean {
  return hides(operation, scope) || (operation.kind === 'labelsRemoved' && includesAny(scope, operation.labelIds));
}

const includesAny = ({ labelIds }: Scope, labels: readonly LabelId[]): boolean =>
  labels.some((id) => labelIds.includes(id));

function enters(operation: HistoryOperation, scope: Scope): boolean {
  switch (operation.kind) {
    case 'added':
      return true;
    case 'labelsAdded':
      return includesAny(scope, operation.labelIds);
    case 'labelsRemoved':
      return operation.labelIds.some(isHiding) && !scope.includeSpamTrash;
    case 'deleted':
      return false;
  }
}

/** The labels whose listings a message may have entered or left; null stands for any label. */
function labelsMoved(operation: HistoryOperation, scope: Scope): readonly (LabelId | null)[] {
  if (operation.kind === 'deleted' || operation.labelIds === null) return [null];
  return !scope.includeSpamTrash && operation.labelIds.some(isHiding) ? [null] : operation.labelIds;
}

function hides(operation: HistoryOperation, scope: Scope): boolean {
  if (operation.kind === 'deleted') return true;
  return operation.kind === 'labelsAdded' && !scope.includeSpamTrash && operation.labelIds.some(isHiding);
}
