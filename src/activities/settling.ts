import { olderHistoryId, type HistoryId } from '../model/ids.ts';
import type { MailboxRow, SettleMark } from '../store/rows/mailbox-row.ts';

/**
 * Records of history can become visible some seconds after newer ones. So new records are applied at once, and history
 * is read once more from a mark this much older (ms). The second read costs the same, and has no effect when no record
 * was late.
 */
export const SETTLING_TIME = 30_000;

/** Marks closer together than this (ms) are not remembered separately. */
const SPACING = 1_000;

/**
 * The history id to read from: the oldest remembered mark. `remember` forgets a mark only when a later one was pinned
 * long enough before the read that has just ended, so a read has seen every record up to the oldest mark.
 */
export function replayFrom(row: Pick<MailboxRow, 'marks'>, mark: HistoryId): HistoryId {
  const oldest = row.marks[0];
  return oldest === undefined ? mark : olderHistoryId(oldest.historyId, mark);
}

/** One read of history up to `head`. */
export interface HistoryRead {
  readonly head: HistoryId;
  /** Epoch ms when it was asked for: it saw everything that was visible then. */
  readonly askedAt: number;
  /** Epoch ms when the head was answered: the head is at most as new. */
  readonly answeredAt: number;
}

/** The marks to remember after a read: the newest one that the read has settled, and all later ones. */
export function remember(
  marks: readonly SettleMark[],
  { head, askedAt, answeredAt }: HistoryRead,
): readonly SettleMark[] {
  const known = inOrder(marks, askedAt);
  const settled = known.findLastIndex((mark) => mark.at <= askedAt - SETTLING_TIME);
  const kept = known.slice(Math.max(0, settled));
  const last = kept.at(-1);
  // Pokes may come faster than marks settle. The older of two close marks stays, so that it can reach the age for
  // settling.
  if (last !== undefined && answeredAt - last.at < SPACING) return kept;
  return [...kept, { historyId: head, at: answeredAt }];
}

/** The newest mark that had settled at `now` (epoch ms), else the oldest; null before the first full sync. */
export function settledMark(row: Pick<MailboxRow, 'marks'>, now: number): SettleMark | null {
  const marks = inOrder(row.marks, now);
  return marks.findLast((mark) => mark.at <= now - SETTLING_TIME) ?? marks[0] ?? null;
}

/**
 * Ms until a mark pinned at `startedAt` has settled. Never longer than the settling time, even if a wrong clock put
 * `startedAt` into the future.
 */
export function untilSettled(startedAt: number, now: number): number {
  return Math.min(SETTLING_TIME, Math.max(0, startedAt + SETTLING_TIME - now));
}

/**
 * Corrects impossible times: marks were pinned in order and before now. Any other time comes from a wrong clock and
 * becomes the latest possible one, so that such a mark settles late rather than too early.
 */
function inOrder(marks: readonly SettleMark[], now: number): readonly SettleMark[] {
  let latest = Number.NEGATIVE_INFINITY;
  return marks.map(({ historyId, at }) => {
    latest = Math.max(latest, Math.min(at, now));
    return { historyId, at: latest };
  });
}
