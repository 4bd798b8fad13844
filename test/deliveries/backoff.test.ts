import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { RETRIED_FOR, retryDelay } from '../../src/deliveries/backoff.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;

/** Times of all attempts of a delivery whose receiver never accepts, in ms since the first one. */
function attemptsOf(random: () => number, asked: () => number | null = () => null): number[] {
  const attempts = [0];
  for (;;) {
    const elapsed = attempts.at(-1) ?? 0;
    const delay = retryDelay({ failures: attempts.length, elapsed, asked: asked(), random: random() });
    if (delay === null) return attempts;
    attempts.push(elapsed + delay);
  }
}

const anyRandom = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 100 });

describe('the back-off of a delivery', () => {
  it('begins within seconds, and ends with a last attempt after exactly three days', () => {
    const attempts = attemptsOf(() => 0.5);
    expect(attempts.slice(0, 5)).toEqual([0, 5, 35, 155, 455].map((seconds) => seconds * SECOND));
    expect(attempts.at(-1)).toBe(RETRIED_FOR);
    expect(attempts.length).toBe(27);
  });

  it('is jittered by at most a fifth, whatever the random numbers are', () => {
    fc.assert(
      fc.property(anyRandom, (numbers) => {
        let next = 0;
        const attempts = attemptsOf(() => numbers[next++ % numbers.length] ?? 0);
        expect(attempts.at(-1)).toBe(RETRIED_FOR);
        expect(attempts[1]).toBeGreaterThanOrEqual(4 * SECOND);
        expect(attempts[1]).toBeLessThanOrEqual(6 * SECOND);
        const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(4.8 * HOUR);
        expect(attempts.length).toBeLessThan(35);
      }),
    );
  });

  it('waits as long as the receiver asks, and not less than its own step', () => {
    const failed = { failures: 1, elapsed: 0, random: 0.5 };
    expect(retryDelay({ ...failed, asked: 60 * SECOND })).toBe(60 * SECOND);
    expect(retryDelay({ ...failed, asked: 1 * SECOND })).toBe(5 * SECOND);
  });

  it('is not prolonged by a receiver that asks for more than is left', () => {
    const attempts = attemptsOf(
      () => 0.5,
      () => 24 * HOUR,
    );
    expect(attempts).toEqual([0, 24, 48, 72].map((hours) => hours * HOUR));
    expect(retryDelay({ failures: 2, elapsed: RETRIED_FOR - 5, asked: HOUR, random: 0 })).toBe(5);
  });
});
