import type { WhyGone } from '../../model/change.ts';
import type { LabelId } from '../../model/ids.ts';
import { sameLabelIds, type MessageRow } from './message-row.ts';

/** What the change feed says about the difference between two rows. */
export type ChangeEntry = {
  readonly added: readonly LabelId[];
  readonly removed: readonly LabelId[];
} & ({ readonly kind: 'stored' | 'labels' } | { readonly kind: 'gone'; readonly why: WhyGone });

/**
 * The change feed's entry for the difference between two rows; null when it needs none. A reader who follows the feed
 * knows a message exactly when its row is `announced`, and then knows the labels of the row. So a row that is fetched
 * again in between is not reported as gone, and its labels are reported also while it waits.
 */
export function changeBetween(before: MessageRow | null, after: MessageRow): ChangeEntry | null {
  const known = before !== null && before.announced ? before : null;
  const labels = differenceOf(known?.labelIds ?? [], after.labelIds);
  if (after.state === 'stored') {
    const completed = before !== null && before.lacks !== null && after.lacks === null;
    const changed = known?.state !== 'stored' || known.threadId !== after.threadId || completed;
    if (changed) return { kind: 'stored', ...labels };
  } else {
    if (known === null) return null;
    const why = whyLeft(after);
    if (why !== null) return { kind: 'gone', why, ...labels };
  }
  return sameLabelIds(known.labelIds, after.labelIds) ? null : { kind: 'labels', ...labels };
}

/** Why readers no longer know a message; null while it still exists for them. */
function whyLeft(row: MessageRow): WhyGone | null {
  if (row.state === 'gone') return row.goneBecause ?? 'deleted';
  if (row.state === 'excluded') return 'excluded';
  // Pending without a body means deleted and added again in one transaction. Pending with a body waits for another
  // format and still exists.
  return row.format === null || !row.announced ? 'deleted' : null;
}

function differenceOf(before: readonly LabelId[], after: readonly LabelId[]): Pick<ChangeEntry, 'added' | 'removed'> {
  return {
    added: after.filter((id) => !before.includes(id)),
    removed: before.filter((id) => !after.includes(id)),
  };
}

/**
 * The row after its entry in the feed: `announced` says whether readers know it. Without an entry they know what they
 * knew before, also of a message that one transaction deletes and brings back as it was.
 */
export function announce(before: MessageRow | null, after: MessageRow, entry: ChangeEntry | null): MessageRow {
  const announced = entry === null ? before !== null && before.announced : entry.kind !== 'gone';
  return after.announced === announced ? after : { ...after, announced };
}
