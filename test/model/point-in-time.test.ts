import { runInNewContext } from 'node:vm';

import { expect, it } from 'vitest';

import { epochMs } from '../../src/model/point-in-time.ts';

it('a date of another realm, such as test runners make, is accepted as a time', () => {
  const date: Date = runInNewContext('new Date(1_700_000_000_000)');
  expect(date instanceof Date).toBe(false);
  expect(epochMs(date)).toBe(1_700_000_000_000);
});

it('a time is a date or epoch milliseconds, and an invalid one is refused', () => {
  expect(epochMs(new Date(5))).toBe(5);
  expect(epochMs(7)).toBe(7);
  for (const wrong of [new Date('yesterday'), Number.NaN])
    expect(() => epochMs(wrong)).toThrow('is no time: give a date, or epoch milliseconds');
});
