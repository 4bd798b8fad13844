import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitsAt,
  giveBack,
  liveUnits,
  roomNow,
  spend,
  unitsWithin,
  type LedgerWindow,
} from '../../src/gmail/quota/ledger-window.ts';

const START = 1_800_000_000_000;
const MINUTE = { span: 60_000, units: 1_000 };
const TEN_SECONDS = { span: 10_000, units: 1_000 / 6 };

const spent = (...entries: readonly (readonly [after: number, units: number])[]): LedgerWindow =>
  entries.reduce<LedgerWindow>((window, [after, units]) => spend(window, { units, live: 0 }, START + after), []);

/** The most that was spent during any `span` milliseconds, counted from each spending on. */
const peak = (log: readonly { at: number; units: number }[], span: number): number =>
  Math.max(
    0,
    ...log.map(({ at }) =>
      log.filter((other) => other.at >= at && other.at < at + span).reduce((sum, { units }) => sum + units, 0),
    ),
  );

describe('a window of spent units', () => {
  it('counts a unit for the whole span and a little longer, then forgets it', () => {
    const window = spent([0, 400]);
    expect(unitsWithin(window, 60_000, START + 60_000)).toBe(400);
    expect(unitsWithin(window, 60_000, START + 60_500)).toBe(0);
    expect(spend(window, { units: 1, live: 0 }, START + 61_000)).toHaveLength(1);
  });

  it('says when units fit next', () => {
    const window = spent([0, 600], [20_000, 400]);
    expect(roomNow(window, [MINUTE], START + 30_000)).toBe(0);
    expect(fitsAt(window, [MINUTE], 600, START + 30_000)).toBe(START + 60_300);
    expect(fitsAt(window, [MINUTE], 601, START + 30_000)).toBe(START + 80_300);
    expect(fitsAt(window, [MINUTE], 100, START + 90_000)).toBe(START + 90_000);
  });

  it('lets a request that is dearer than the limit through once nothing else is in the window', () => {
    const window = spent([0, 10]);
    expect(fitsAt(window, [MINUTE], 5_000, START + 1)).toBe(START + 60_300);
    expect(fitsAt([], [MINUTE], 5_000, START)).toBe(START);
  });

  it('never lets more through than each limit allows in any period of its length, whatever is asked for', () => {
    const asks = fc.array(
      fc.record({
        after: fc.oneof(fc.nat(30), fc.nat(3_000), fc.nat(40_000)),
        units: fc.integer({ min: 1, max: 400 }),
      }),
      { minLength: 1, maxLength: 150 },
    );
    fc.assert(
      fc.property(asks, fc.boolean(), (list, strict) => {
        const limits = strict ? [MINUTE, TEN_SECONDS] : [MINUTE];
        const log: { at: number; units: number }[] = [];
        let window: LedgerWindow = [];
        let now = START;
        for (const { after, units: asked } of list) {
          const units = strict ? Math.min(asked, 166) : asked;
          now = fitsAt(window, limits, units, now + after);
          expect(roomNow(window, limits, now)).toBeGreaterThanOrEqual(units);
          window = spend(window, { units, live: 0 }, now);
          log.push({ at: now, units });
        }
        for (const limit of limits) expect(peak(log, limit.span)).toBeLessThanOrEqual(limit.units);
      }),
    );
  });

  it('lets as much through as the limit allows, less a hundredth', () => {
    let window: LedgerWindow = [];
    let now = START;
    let total = 0;
    while (now < START + 3_600_000) {
      now = fitsAt(window, [MINUTE], 20, now);
      window = spend(window, { units: 20, live: 0 }, now);
      total += 20;
    }
    expect(total).toBeGreaterThan(60 * MINUTE.units * 0.99);
  });

  it('stays small however many calls there are', () => {
    let window: LedgerWindow = [];
    for (let at = 0; at < 120_000; at += 7) window = spend(window, { units: 1, live: 0 }, START + at);
    expect(window.length).toBeLessThan(900);
  });

  it('gives back units where they were spent, and no more than were spent', () => {
    const window = spent([0, 100], [1_000, 200], [2_000, 300]);
    expect(giveBack(window, { units: 200, live: 0 }, START + 1_000).map(({ units }) => units)).toEqual([100, 300]);
    expect(giveBack(window, { units: 250, live: 0 }, START + 1_000).map(({ units }) => units)).toEqual([100, 250]);
    expect(giveBack(window, { units: 9_999, live: 0 }, START + 1_000).map(({ units }) => units)).toEqual([100]);
  });

  it('knows what the live lane spent', () => {
    const window = spend(spend([], { units: 100, live: 0 }, START), { units: 22, live: 22 }, START + 10);
    expect(liveUnits(window, START + 30_000)).toBe(22);
    expect(liveUnits(giveBack(window, { units: 20, live: 20 }, START), START + 30_000)).toBe(2);
  });

  it('is not blocked by a worker whose clock was hours ahead', () => {
    const window = spend(spent([3 * 3_600_000, 1_000]), { units: 1, live: 0 }, START);
    expect(unitsWithin(window, 60_000, START)).toBe(1);
  });
});
