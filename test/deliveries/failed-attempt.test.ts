import { describe, expect, it } from 'vitest';

import { nextAfter } from '../../src/deliveries/failed-attempt.ts';
import type { DeliveryOrder } from '../../src/model/subscription.ts';
import { mailboxId, messageId, historyId, threadId } from '../../src/model/ids.ts';

const NOW = 1_000_000_000_000;
const HOUR = 3_600_000;
const PARK: DeliveryOrder = { kind: 'park', attempts: null };
const ABOVE_ALL: DeliveryOrder = { kind: 'above-all' };
const change = {
  kind: 'stored',
  mailbox: mailboxId('ada@example.com'),
  sequence: 1,
  messageId: messageId('a'),
  threadId: threadId('a'),
  labelIds: [],
  added: [],
  removed: [],
  historyId: historyId('1'),
  at: NOW,
} as const;
type Attempted = Parameters<typeof nextAfter>[1];
const begun = (fields: Partial<Attempted> = {}): Attempted => ({
  changes: [change],
  attempt: 1,
  firstAttemptAt: NOW,
  isSplit: false,
  isReplay: false,
  ...fields,
});
const next = (order: DeliveryOrder, delivery: Attempted, asked: number | null = null) =>
  nextAfter(order, delivery, { reason: 'it failed', asked, now: NOW, random: 0.5 });

describe('after a failed attempt', () => {
  it('the next one follows in 5 s, then ever later, and never earlier than the target asked', () => {
    expect(next(PARK, begun())).toEqual({ kind: 'retry', at: NOW + 5_000 });
    expect(next(PARK, begun({ attempt: 2 }))).toEqual({ kind: 'retry', at: NOW + 30_000 });
    expect(next(PARK, begun(), HOUR)).toEqual({ kind: 'retry', at: NOW + HOUR });
  });

  it('a delivery is parked after its attempts, or after three days', () => {
    const three: DeliveryOrder = { kind: 'park', attempts: 3 };
    expect(next(three, begun({ attempt: 2 })).kind).toBe('retry');
    expect(next(three, begun({ attempt: 3 })).kind).toBe('park');
    expect(next(PARK, begun({ attempt: 20, firstAttemptAt: NOW - 71 * HOUR })).kind).toBe('retry');
    expect(next(PARK, begun({ attempt: 20, firstAttemptAt: NOW - 72 * HOUR })).kind).toBe('park');
  });

  it('a change that is tried by itself, after its batch kept failing, is parked after three attempts', () => {
    expect(next(PARK, begun({ isSplit: true, attempt: 2 })).kind).toBe('retry');
    expect(next(PARK, begun({ isSplit: true, attempt: 3 })).kind).toBe('park');
  });

  it('a replay of a parked change is parked again at once, whatever the order', () => {
    for (const order of [PARK, ABOVE_ALL]) expect(next(order, begun({ isReplay: true })).kind).toBe('park');
  });

  it('nothing is parked where order is above all', () => {
    const late = begun({ attempt: 100, firstAttemptAt: NOW - 1_000 * HOUR });
    expect(next(ABOVE_ALL, late)).toEqual({ kind: 'retry', at: NOW + 4 * HOUR });
  });
});
