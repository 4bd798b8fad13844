import { expect, it } from 'vitest';

import { exitCodeOf } from '../fixtures/measured/figure.ts';

const atMost = (value: number, bound: number) => ({ value, bound: { is: 'at most', value: bound } }) as const;
const atLeast = (value: number, bound: number) => ({ value, bound: { is: 'at least', value: bound } }) as const;

it('a run of benches ends with 0 when all bounds hold', () => {
  expect(exitCodeOf([atMost(3, 3), atLeast(3, 3), { value: 7, bound: null }], 0)).toBe(0);
});

it.each([atMost(4, 3), atLeast(2, 3)])('a run of benches ends with 1 when a bound is missed: %o', (figure) => {
  expect(exitCodeOf([atMost(3, 3), figure], 0)).toBe(1);
});

it('a run of benches ends with 1 when one of them was no valid measurement', () => {
  expect(exitCodeOf([atMost(3, 3)], 1)).toBe(1);
});
