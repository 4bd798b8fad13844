import { expect, it } from 'vitest';

import { memoryLimit } from '../../src/host/memory-limit.ts';
import { cachedWorkflows } from '../../src/hosting/cached-workflows.ts';

const GB = 1e9;

it('A worker keeps as many workflows as three quarters of its container hold', () => {
  expect(cachedWorkflows({ bytes: 1 * GB, isContainer: true })).toBe(1_000);
  expect(cachedWorkflows({ bytes: 2 * GB, isContainer: true })).toBe(3_500);
});

it('On a machine that it shares it takes a quarter', () => {
  expect(cachedWorkflows({ bytes: 8 * GB, isContainer: false })).toBe(5_166);
});

it.each([0.1 * GB, 0.7 * GB])('It keeps 300 even in a container of %d bytes', (bytes) => {
  expect(cachedWorkflows({ bytes, isContainer: true })).toBe(300);
});

it("It keeps no more than a thread's heap holds", () => {
  expect(cachedWorkflows({ bytes: 1_000 * GB, isContainer: false })).toBe(10_000);
});

it('The limit is some memory that the machine has', () => {
  expect(memoryLimit().bytes).toBeGreaterThan(0.1 * GB);
  expect(memoryLimit().bytes).toBeLessThanOrEqual(100_000 * GB);
});
