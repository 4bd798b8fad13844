import { describe, expect, it } from 'vitest';
import { afterAnswer, afterRefusal, FIRST_WIDTH, type CallWidth } from '../../src/gmail/quota/call-width.ts';

/** Sends full batches against a hidden limit, a second apart. Returns the width over time and what was refused. */
function run(width: CallWidth, seconds: number, limit: (second: number) => number) {
  const calls: number[] = [];
  let current = width;
  let refused = 0;
  for (let second = 0; second < seconds; second++) {
    const over = Math.max(0, current.calls - limit(second));
    refused += over;
    current =
      over > 0
        ? afterRefusal(current, { inFlight: current.calls, refused: over }, second * 1_000)
        : afterAnswer(current, current.calls, second * 1_000);
    calls.push(current.calls);
  }
  return { calls, refused, width: current };
}

describe('the call width', () => {
  it('grows to its largest within ten answers where nothing is refused', () => {
    expect(run(FIRST_WIDTH, 10, () => 1_000).calls.at(-1)).toBe(200);
  });

  it('does not grow after answers that did not use all of it', () => {
    expect(afterAnswer(FIRST_WIDTH, 3, 0)).toEqual(FIRST_WIDTH);
  });

  it.each([1, 3, 10, 40, 120])('settles at a hidden limit of %i calls, and seldom tries more', (limit) => {
    const { calls, refused } = run(FIRST_WIDTH, 600, () => limit);
    expect(Math.min(...calls.slice(10))).toBeGreaterThanOrEqual(limit);
    expect(Math.max(...calls.slice(20))).toBeLessThanOrEqual(Math.max(limit + 1, limit * 1.05));
    expect(refused).toBeLessThan(15 + limit);
  });

  it('grows again when the limit rises', () => {
    const { calls } = run(FIRST_WIDTH, 900, (second) => (second < 120 ? 8 : 200));
    expect(calls[119]).toBeLessThanOrEqual(9);
    expect(calls.at(-1)).toBeGreaterThan(100);
  });

  it('falls once for batches that were refused together', () => {
    const first = afterRefusal({ ...FIRST_WIDTH, calls: 60 }, { inFlight: 60, refused: 10 }, 0);
    const second = afterRefusal(first, { inFlight: 60, refused: 5 }, 10);
    expect([second.calls, second.patience]).toEqual([first.calls, first.patience]);
  });
});
