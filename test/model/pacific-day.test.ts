import { describe, expect, it } from 'vitest';

import { pacificDay, pacificDayEnd } from '../../src/model/pacific-day.ts';

const HOUR = 60 * 60_000;

describe('a Pacific day', () => {
  it.each([
    ['2026-11-22T07:59:59.999Z', '2026-11-21', '2026-11-22T08:00:00.000Z'],
    ['2026-11-22T08:00:00.000Z', '2026-11-22', '2026-11-23T08:00:00.000Z'],
    ['2026-07-01T06:59:59.999Z', '2026-06-30', '2026-07-01T07:00:00.000Z'],
    ['2026-12-31T20:00:00.000Z', '2026-12-31', '2027-01-01T08:00:00.000Z'],
  ])('of %s is %s and ends at %s', (at, day, end) => {
    expect(pacificDay(Date.parse(at))).toBe(day);
    expect(new Date(pacificDayEnd(Date.parse(at))).toISOString()).toBe(end);
  });

  it('has 23 hours when the clocks go forward and 25 when they go back', () => {
    const lengthOf = (noon: string): number => {
      const end = pacificDayEnd(Date.parse(noon));
      return (end - pacificDayEnd(end - 26 * HOUR)) / HOUR;
    };
    expect(lengthOf('2026-03-08T20:00:00Z')).toBe(23);
    expect(lengthOf('2026-11-01T20:00:00Z')).toBe(25);
    expect(lengthOf('2026-11-22T20:00:00Z')).toBe(24);
  });

  it('ends when the next one begins, at any time of two years', () => {
    for (let at = Date.UTC(2026, 0, 1, 0, 17); at < Date.UTC(2028, 0, 1); at += 7 * HOUR + 11 * 60_000) {
      const end = pacificDayEnd(at);
      expect(end).toBeGreaterThan(at);
      expect(pacificDay(end - 1)).toBe(pacificDay(at));
      expect(pacificDay(end)).not.toBe(pacificDay(at));
    }
  });
});
