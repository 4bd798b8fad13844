import { describe, expect, it } from 'vitest';

import { readConditions, withCondition } from '../../src/store/rows/condition-columns.ts';

const failing = { kind: 'failing', message: 'Gmail answers 503', since: 5, until: null } as const;

describe('a condition that a worker of an earlier version wrote, which names no lane', () => {
  const old = JSON.stringify(failing);

  it("is read as the live lane's", () => {
    expect(readConditions(old)).toEqual({ live: failing, backfill: null });
  });

  it.for(['live', 'backfill'] as const)('is cleared by the first success of either lane: %s', (lane) => {
    expect(withCondition(old, lane, null)).toBeNull();
  });

  it('gives way to the condition of the lane that fails now', () => {
    const newer = { ...failing, message: 'Gmail answers 500' };
    expect(readConditions(withCondition(old, 'backfill', newer))).toEqual({ live: null, backfill: newer });
  });
});

it('a worker of an earlier version finds the worse condition where it always was', () => {
  const failed = { kind: 'failed', message: 'mail service not enabled', since: 9, until: null } as const;
  const both = withCondition(withCondition(null, 'backfill', failed), 'live', failing);
  expect(JSON.parse(both ?? '')).toMatchObject(failed);
});
