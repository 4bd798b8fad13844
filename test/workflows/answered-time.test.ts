import { expect, test } from 'vitest';
import { answeredTime } from '../../src/workflows/answered-time.ts';

const NOW = 1_000_000;
const AHEAD = NOW + 600_000;

test('a delay counts from the workflow, whatever the clock of the worker says', () => {
  expect(answeredTime(0, AHEAD, NOW)).toBe(NOW);
  expect(answeredTime(5_000, AHEAD + 5_000, NOW)).toBe(NOW + 5_000);
});

test('a time that has passed is now', () => {
  expect(answeredTime(-5_000, AHEAD, NOW)).toBe(NOW);
});

test('a worker of an earlier version tells the time alone', () => {
  expect(answeredTime(undefined, AHEAD, NOW)).toBe(AHEAD);
  expect(answeredTime(undefined, null, NOW)).toBeNull();
});
