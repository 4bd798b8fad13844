import type { Operation } from './history-log.ts';
import type { SimulatedMessage } from './simulated-message.ts';

/** What a message becomes by a change that history has yet to record. */
export interface ChangeToRecord {
  readonly message: SimulatedMessage;
  readonly exists: boolean;
  readonly labelIds: readonly string[];
}

/**
 * The labels that Gmail removes when others are added: a message is in at most one of inbox, spam and trash.
 *
 * @see https://developers.google.com/workspace/gmail/api/guides/labels
 */
export function impliedRemovals(added: readonly string[]): string[] {
  if (added.includes('TRASH')) return ['INBOX', 'SPAM'];
  if (added.includes('SPAM')) return ['INBOX', 'TRASH'];
  return [];
}

/** The operations that history records for a change; empty when nothing changes. */
export function operationsOf({ message, exists, labelIds }: ChangeToRecord): Operation[] {
  const before = message.current;
  const subject = { messageId: message.id, threadId: message.threadId, after: labelIds };
  if (exists !== before.exists) return [{ ...subject, kind: exists ? 'messagesAdded' : 'messagesDeleted', labelIds }];
  const added = labelIds.filter((id) => !before.labelIds.includes(id));
  const removed = before.labelIds.filter((id) => !labelIds.includes(id));
  return [
    ...(added.length > 0 ? [{ ...subject, kind: 'labelsAdded' as const, labelIds: added }] : []),
    ...(removed.length > 0 ? [{ ...subject, kind: 'labelsRemoved' as const, labelIds: removed }] : []),
  ];
}

/** Labels as a message carries them: each once, in order. */
export const sorted = (ids: readonly string[]): string[] => [...new Set(ids)].sort();
