import { olderHistoryId, type HistoryId } from '../model/ids.ts';
import type { MailboxRow, SettleMark } from '../store/mailbox-store.ts';

/**
 * Records of history can become visible some seconds after newer ones. So the newest are applied at once, and read once more from a mark
 * this much older: the same price, no effect where nothing was late.
 */
export const SETTLING_TIME = 30_000;

/** Marks closer together than this are not worth remembering apart. */
const SPACING = 1_000;

/**
 * Where history is read from: the oldest remembered mark. `remember` forgets a mark only when a later one was pinned long enough before
 * the read that has just ended, so every record up to the oldest mark was visible to a read that covered it.
 */
export function replayFrom(row: Pick<MailboxRow, 'marks'>, mark: HistoryId): HistoryId {
  const oldest = row.marks[0];
  return oldest === undefined ? mark : olderHistoryId(oldest.historyId, mark);
}

/** One read of history up to `head`. */
export interface HistoryRead {
  readonly head: HistoryId;
  /** Epoch ms when it was asked for: it saw at least what was visible then. */
  readonly askedAt: number;
  /** Epoch ms when the head was answered: the head is at most as new. */
  readonly answeredAt: number;
}

/** The marks to remember after a read: the newest that it has settled, and all after it. */
export function remember(marks: readonly SettleMark[], { head, askedAt, answeredAt }: HistoryRead): readonly SettleMark[] {
  const settled = marks.findLastIndex((mark) => mark.at <= askedAt - SETTLING_TIME);
  const kept = marks.slice(Math.max(0, settled));
  const last = kept.at(-1);
  // Pokes may come faster than marks can settle: the older of two close ones stays, so that it gets its age.
  if (last !== undefined && answeredAt - last.at < SPACING) return kept;
  return [...kept, { historyId: head, at: answeredAt }];
}

/** The newest mark that was pinned at `before` (epoch ms) or earlier, else the oldest; null before the first full sync. */
export function markBefore(row: Pick<MailboxRow, 'marks'>, before: number): SettleMark | null {
  return row.marks.findLast((mark) => mark.at <= before) ?? row.marks[0] ?? null;
}
