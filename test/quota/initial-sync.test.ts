import { describe, expect, it } from 'vitest';

import { PRICE_TABLES } from '../../src/model/prices.ts';
import { initialSync } from '../fixtures/measured/initial-sync.ts';

/** A few minutes' allowances: small enough for a test, and no run ends within its first burst. */
const ALLOWANCE = 10_000;
const MESSAGES = 2_500;
const LATENCY = 20;

let limited: ReturnType<typeof initialSync> | null = null;
/** A sync at the limit of each minute, whose figures two tests look at: every run gives the same. */
const limitedSync = (): ReturnType<typeof initialSync> =>
  (limited ??= initialSync({
    messages: MESSAGES,
    latencyMs: LATENCY,
    quota: { window: 'sliding-minute', userUnitsPerMinute: ALLOWANCE },
  }));

describe('an initial sync', () => {
  it.each(['2026', '2025'] as const)(
    'costs at most 1% more than the cheapest way to fetch each thread, listings included (prices of %s)',
    async (prices) => {
      const { use, least, differences } = await initialSync({ messages: MESSAGES, prices });
      expect(differences).toEqual([]);
      expect(use.units).toBeGreaterThan(least);
      expect(use.units).toBeLessThanOrEqual(1.01 * least);
    },
  );

  it.each([500, MESSAGES])(
    'spends at most 20 units on doubt, however many messages there are: %i',
    async (messages) => {
      const quota = { window: 'sliding-minute', userUnitsPerMinute: ALLOWANCE } as const;
      const { doubt, differences } = await (messages === MESSAGES
        ? limitedSync()
        : initialSync({ messages, latencyMs: LATENCY, quota }));
      expect(differences).toEqual([]);
      expect(doubt).toBeGreaterThan(0);
      expect(doubt).toBeLessThanOrEqual(20);
    },
  );

  // The units of doubt do not grow with the mailbox: from these sizes on, they are at most 0.1% of a first sync.
  it.each([
    ['2026', 2_500],
    ['2025', 14_000],
  ] as const)(
    'spends at most 0.1% of its units on doubt, at the prices and the rate of %s: %i messages',
    async (prices, messages) => {
      const quota = { window: 'sliding-minute', userUnitsPerMinute: PRICE_TABLES[prices].userUnitsPerMinute } as const;
      const { use, doubt, differences } = await initialSync({ messages, prices, quota });
      expect(differences).toEqual([]);
      expect(doubt).toBeGreaterThan(0);
      expect(doubt / use.units).toBeLessThanOrEqual(0.001);
    },
  );

  it('does not read messages again because it read thousands in its first seconds', async () => {
    const { messages, doubt, differences } = await initialSync({ messages: 6_500, prices: '2025' });
    expect(differences).toEqual([]);
    expect(messages).toBeGreaterThan(6_000);
    expect(doubt).toBeLessThanOrEqual(50);
  });

  it('takes no longer than its units need where every minute is limited, and has no call rejected', async () => {
    const { use, seconds, differences } = await limitedSync();
    expect(differences).toEqual([]);
    expect(use.units).toBeGreaterThan(2 * ALLOWANCE);
    expect(seconds).toBeLessThanOrEqual((1.02 * use.units * 60) / ALLOWANCE);
    expect(use.rejected).toBe(0);
    expect(use.peakUnitsPerMinute).toBeLessThanOrEqual(ALLOWANCE);
  });

  it('takes no longer where every ten seconds are limited, and has at most 1% of its calls rejected', async () => {
    const { use, seconds, differences } = await initialSync({
      messages: MESSAGES,
      latencyMs: LATENCY,
      quota: { window: 'ten-seconds', userUnitsPerMinute: ALLOWANCE },
    });
    expect(differences).toEqual([]);
    expect(seconds).toBeLessThanOrEqual((1.02 * use.units * 60) / ALLOWANCE);
    expect(use.rejected).toBeGreaterThan(0);
    expect(use.rejected).toBeLessThanOrEqual(0.01 * (use.calls + use.rejected));
  });

  it('has at most 1% of its calls rejected where only ten may be in flight', async () => {
    const quota = { window: 'sliding-minute', userUnitsPerMinute: ALLOWANCE, concurrentRequests: 10 } as const;
    const { use, differences } = await initialSync({ messages: MESSAGES, latencyMs: LATENCY, quota });
    expect(differences).toEqual([]);
    expect(use.rejected).toBeGreaterThan(0);
    expect(use.rejected).toBeLessThanOrEqual(0.01 * (use.calls + use.rejected));
  });
});
