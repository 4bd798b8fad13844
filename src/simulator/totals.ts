import type { SimulatedMessage } from './simulated-message.ts';
import { isSpamOrTrash } from './truth.ts';

/** How Gmail's reported totals differ from the real ones; change the object in place. */
export interface TotalsOff {
  /** Added to getProfile's messagesTotal. */
  profile: number;
  /** Added to messagesTotal of labels.get, by label id. */
  labels: Record<string, number>;
  /** Whether labels.get counts messages in spam and trash. Gmail's documentation does not say. */
  spamTrash: boolean;
}

interface LabelCounts {
  messages: number;
  unread: number;
  readonly threads: Set<string>;
  readonly threadsUnread: Set<string>;
}

/**
 * Counts messages by label. A client asks for one label after another, so all labels are counted in one pass, and the
 * counts are kept until the mailbox changes.
 */
export class LabelCounter {
  #counts = new Map<string, LabelCounts>();
  #countedAt = '';

  /** @param mailbox - its `revision` changes with each change of the mailbox */
  of(
    labelId: string,
    mailbox: { readonly revision: number; readonly totalsOff: TotalsOff; all(): Iterable<SimulatedMessage> },
  ): object {
    const { spamTrash, labels } = mailbox.totalsOff;
    const at = `${mailbox.revision} ${spamTrash}`;
    if (at !== this.#countedAt) this.#counts = countLabels(mailbox.all(), spamTrash);
    this.#countedAt = at;
    const counts = this.#counts.get(labelId);
    return {
      messagesTotal: atLeastZero((counts?.messages ?? 0) + (labels[labelId] ?? 0)),
      messagesUnread: counts?.unread ?? 0,
      threadsTotal: counts?.threads.size ?? 0,
      threadsUnread: counts?.threadsUnread.size ?? 0,
    };
  }
}

export const atLeastZero = (count: number): number => Math.max(0, count);

function countLabels(messages: Iterable<SimulatedMessage>, spamTrash: boolean): Map<string, LabelCounts> {
  const counts = new Map<string, LabelCounts>();
  for (const { threadId, current } of messages) {
    if (!spamTrash && isSpamOrTrash(current.labelIds)) continue;
    const isUnread = current.labelIds.includes('UNREAD');
    for (const labelId of current.labelIds) {
      let of = counts.get(labelId);
      if (of === undefined)
        counts.set(labelId, (of = { messages: 0, unread: 0, threads: new Set(), threadsUnread: new Set() }));
      of.messages += 1;
      of.threads.add(threadId);
      if (!isUnread) continue;
      of.unread += 1;
      of.threadsUnread.add(threadId);
    }
  }
  return counts;
}
