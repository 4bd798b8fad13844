import type { Change } from '../../model/change.ts';
import { sameLabelIds, type MessageRow } from './message-row.ts';

/**
 * The change feed's entry for the difference of two rows, or null. A reader who follows the feed knows a message
 * exactly when its row is `announced`, so a row that is fetched again in between is not reported as gone.
 */
export function changeBetween(before: MessageRow | null, after: MessageRow): Change['kind'] | null {
  const known = before?.announced ?? false;
  if (after.state === 'stored') {
    const completed = before !== null && before.lacks !== null && after.lacks === null;
    if (!known || before?.state !== 'stored' || before.threadId !== after.threadId || completed) return 'stored';
    return sameLabelIds(before.labelIds, after.labelIds) ? null : 'labels';
  }
  // Pending without a body means deleted and added again in one transaction. Pending with a body waits for another
  // format and still exists.
  const left = after.state === 'gone' || after.state === 'excluded' || after.format === null || !after.announced;
  return known && left ? 'gone' : null;
}

/** The row after its entry in the feed: `announced` says whether readers know it. */
export function announce(after: MessageRow, change: Change['kind'] | null): MessageRow {
  if (change === null) return after;
  const announced = change !== 'gone';
  return after.announced === announced ? after : { ...after, announced };
}
