import { describe, expect, test } from 'vitest';
import { priceOfWork } from '../../src/gmail/quota/fetch-plan.ts';
import { backfillRate, whenSpent } from '../../src/gmail/quota/when-spent.ts';
import { readLedger } from '../../src/gmail/quota/ledger-document.ts';
import { learn, withAccepted } from '../../src/gmail/quota/ledger-learning.ts';
import { reserve } from '../../src/gmail/quota/ledger.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';

const NOW = 10_000_000;
const GRANTED = 6_000;
const fresh = readLedger(null);
const REFUSAL = {
  limit: 'user',
  retryAt: null,
  units: 20,
  isMostOfAnswer: false,
  jitter: 0,
  granted: GRANTED,
  userLimit: GRANTED,
  lateness: 0,
} as const;
const backfill = (units: number, notBefore = 0) => ({ units, granted: GRANTED, notBefore });

describe('when a backfill will have spent its units', () => {
  test("is at once while a minute's allowance lasts, and minute by minute afterwards", () => {
    expect(whenSpent(fresh, backfill(0), NOW)).toBe(NOW);
    expect(whenSpent(fresh, backfill(5_900), NOW)).toBe(NOW);
    expect(whenSpent(fresh, backfill(6_100), NOW)).toBe(NOW + 60_300);
    expect(whenSpent(fresh, backfill(5_940 * 10), NOW)).toBe(NOW + 9 * 60_300);
  });

  test('waits for what was spent before', () => {
    const { ledger } = reserve(
      fresh,
      { lane: 'backfill', prices: Array(100).fill(40), granted: GRANTED, userLimit: GRANTED },
      NOW - 20_000,
    );
    const end = whenSpent(ledger, backfill(5_940), NOW);
    expect(end).toBe(NOW + 40_300);
  });

  test('waits until the time that Gmail named, and until a later time that the caller names', () => {
    const paused = learn(fresh, { ...REFUSAL, limit: 'project', retryAt: NOW + 500_000, sentAt: NOW }, NOW);
    expect(whenSpent(paused, backfill(100), NOW)).toBe(NOW + 500_000);
    expect(whenSpent(paused, backfill(100, NOW + 900_000), NOW)).toBe(NOW + 900_000);
  });

  test('goes by the rate that Gmail turned out to leave', () => {
    let ledger = learn(fresh, { ...REFUSAL, sentAt: NOW - 10_000 }, NOW - 10_000);
    const reservation = { lane: 'backfill', prices: [20], granted: GRANTED, userLimit: GRANTED } as const;
    for (const at of [NOW - 8_000, NOW - 7_000, NOW - 6_000, NOW - 5_000]) {
      ({ ledger } = reserve(ledger, reservation, at));
      ledger = learn(withAccepted(ledger, at), { ...REFUSAL, sentAt: at }, at);
    }
    const rate = backfillRate(ledger, GRANTED, NOW);
    expect(rate).toBeLessThan(0.85 * GRANTED);
    expect(whenSpent(ledger, backfill(10 * rate), NOW)).toBeCloseTo(NOW + 600_000, -2);
  });
});

describe('the price of what is left', () => {
  const prices = PRICE_TABLES['2026'];
  const work = {
    threads: [
      { fresh: 1, threads: 10 },
      { fresh: 5, threads: 3 },
      { fresh: 101, threads: 1 },
    ],
    tried: 2,
    lacking: 4,
    attachedShare: 0.5,
  };

  test('is that of the plan: threads where they are cheaper, and not too large to hold', () => {
    expect(priceOfWork({ ...work, lacking: 0 }, { format: 'full', attachments: false }, prices)).toEqual({
      units: 10 * 20 + 3 * 40 + 101 * 20 + 2 * 20,
      requests: 10 + 3 + 101 + 2,
      money: 0,
    });
    expect(priceOfWork({ ...work, lacking: 0 }, { format: 'raw', attachments: false }, prices)).toMatchObject({
      units: (10 + 15 + 101 + 2) * 20,
      requests: 10 + 15 + 101 + 2,
    });
  });

  test('includes the attachments that held messages lack, and those to be expected', () => {
    const without = priceOfWork({ ...work, lacking: 0 }, { format: 'full', attachments: false }, prices);
    expect(priceOfWork(work, { format: 'full', attachments: true }, prices)).toMatchObject({
      units: without.units + 4 * 20 + 0.5 * (10 + 15 + 101 + 2) * 20,
      requests: without.requests + 4 + 0.5 * (10 + 15 + 101 + 2),
    });
  });

  test('goes by money first where requests cost some: a dearer thread is fetched message by message', () => {
    const fullText = { format: 'full', attachments: false } as const;
    const dear = { ...prices, requestPrices: { currency: 'USD', per1000: { 'messages.get': 1, 'threads.get': 6 } } };
    expect(priceOfWork({ ...work, lacking: 0 }, fullText, dear)).toEqual({
      units: (10 + 15 + 101 + 2) * 20,
      requests: 10 + 15 + 101 + 2,
      money: expect.closeTo(0.128),
    });
    const cheap = { ...prices, requestPrices: { currency: 'USD', per1000: { 'messages.get': 1 } } };
    expect(priceOfWork({ ...work, lacking: 0 }, fullText, cheap)).toEqual({
      units: 13 * 40 + (101 + 2) * 20,
      requests: 13 + 101 + 2,
      money: expect.closeTo(0.103),
    });
  });
});
