import { describe, expect, test } from 'vitest';
import {
  remember,
  type HistoryRead,
  replayFrom,
  settledMark,
  SETTLING_TIME,
  untilSettled,
} from '../../src/activities/settling.ts';
import { historyId } from '../../src/model/ids.ts';
import type { SettleMark } from '../../src/store/rows/mailbox-row.ts';

const read = (head: string, at: number): HistoryRead => ({ head: historyId(head), askedAt: at, answeredAt: at });
const mark = (id: number, at: number): SettleMark => ({ historyId: historyId(String(id)), at });

describe('the marks that history is read again from', () => {
  test('a mark stays the oldest until a read has begun long enough after the next one', () => {
    let marks: readonly SettleMark[] = [mark(1, 0)];
    marks = remember(marks, read('2', 10_000));
    marks = remember(marks, read('3', 20_000));
    expect(marks[0]).toEqual(mark(1, 0));
    marks = remember(marks, read('4', 10_000 + SETTLING_TIME));
    // This read began 30 s after mark 2 was pinned: it saw every record up to 2, so the next may begin there.
    expect(marks).toEqual([mark(2, 10_000), mark(3, 20_000), mark(4, 40_000)]);
  });

  test('a head that was answered late is as young as its answer', () => {
    const slow = remember([mark(1, 0)], { head: historyId('2'), askedAt: 10_000, answeredAt: 35_000 });
    expect(remember(slow, read('3', 41_000))[0]).toEqual(mark(1, 0));
    expect(remember(slow, read('3', 65_000))[0]).toEqual(mark(2, 35_000));
  });

  test('a slow poll reads one interval again', () => {
    const marks = remember(remember([mark(1, 0)], read('2', 60_000)), read('3', 120_000));
    expect(replayFrom({ marks }, historyId('3'))).toBe('2');
  });

  test('fast pokes neither keep marks from settling nor pile them up', () => {
    let marks: readonly SettleMark[] = [mark(0, 0)];
    for (let i = 1; i <= 1_000; i++) marks = remember(marks, read(String(i), i * 100));
    expect(marks.length).toBeLessThan(40);
    expect(marks[0]?.at).toBeGreaterThan(1_000 * 100 - 2 * SETTLING_TIME);
  });

  test('the mark itself is read from when no other is remembered', () => {
    expect(replayFrom({ marks: [] }, historyId('9'))).toBe('9');
  });

  test('a listing goes on from a mark that the index must show by now', () => {
    const marks = [mark(1, 0), mark(2, 10_000), mark(3, 20_000)];
    expect(settledMark({ marks }, 15_000 + SETTLING_TIME)).toEqual(mark(2, 10_000));
    expect(settledMark({ marks: [mark(3, 20_000)] }, 15_000 + SETTLING_TIME)).toEqual(mark(3, 20_000));
    expect(settledMark({ marks: [] }, 45_000)).toBeNull();
  });

  test('a mark from a clock that was ahead settles later, not when that time comes', () => {
    const DAY = 24 * 3_600_000;
    let marks: readonly SettleMark[] = [mark(1, 0), mark(2, DAY)];
    marks = remember(marks, read('3', 60_000));
    expect(marks).toEqual([mark(1, 0), mark(2, 60_000)]);
    marks = remember(marks, read('4', 60_000 + SETTLING_TIME));
    expect(marks[0]).toEqual(mark(2, 60_000));
  });

  test('a mark that claims to be older than the one before it is as young as that one', () => {
    const DAY = 24 * 3_600_000;
    const marks = [mark(1, 0), mark(2, 50_000), mark(3, -DAY)];
    expect(remember(marks, read('4', 60_000))[0]).toEqual(mark(1, 0));
    expect(settledMark({ marks }, 60_000)).toEqual(mark(1, 0));
    expect(settledMark({ marks }, 50_000 + SETTLING_TIME)).toEqual(mark(3, 50_000));
  });

  test('a mark pinned by a clock that was ahead is waited for no longer than any other', () => {
    expect(untilSettled(0, 10_000)).toBe(SETTLING_TIME - 10_000);
    expect(untilSettled(24 * 3_600_000, 10_000)).toBe(SETTLING_TIME);
    expect(untilSettled(0, 24 * 3_600_000)).toBe(0);
  });
});
