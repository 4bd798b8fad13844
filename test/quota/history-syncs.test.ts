import { describe, expect, it } from 'vitest';

import { PRICE_TABLES } from '../../src/model/prices.ts';
import {
  partialSyncOfLabelChanges,
  recoverFromExpiredHistory,
  type Recovery,
} from '../fixtures/measured/history-syncs.ts';
import { peakOverCrashes } from '../fixtures/measured/shared-quota.ts';

describe('a partial sync', () => {
  it('of label changes costs 2 units per page of 500 and gets no message', async () => {
    const { historyUnits, gets, units, differences } = await partialSyncOfLabelChanges(2_000);
    expect(differences).toEqual([]);
    expect(historyUnits).toBe(2 * 4);
    expect(gets).toBe(0);
    expect(units, 'labels.list shows renames').toBe(historyUnits + 1);
  });
});

const GET = PRICE_TABLES['2026'].units['messages.get'];

describe('a recovery', () => {
  it('of 100,000 messages costs at most 1/450 of MINIMAL gets, as its growth from 10,000 to 20,000 shows', async () => {
    const changes = 200;
    const [small, large] = [
      await recoverFromExpiredHistory({ messages: 10_000, changes }),
      await recoverFromExpiredHistory({ messages: 20_000, changes }),
    ];
    expect([...small.differences, ...large.differences]).toEqual([]);
    const others = ({ units, listingUnits }: Recovery): number => units - listingUnits;
    expect(others(large), 'all but the listings goes with changes and labels').toBe(others(small));
    const newMail = (changes / 4) * GET;
    expect(others(large) - newMail, 'a sample of ten gets, counts, and history').toBeLessThanOrEqual(260);

    const perMessage = (large.listingUnits - small.listingUnits) / 10_000;
    const of100_000 = large.units + 80_000 * perMessage;
    const minimalGets = (100_000 - changes / 4) * GET;
    expect(of100_000).toBeLessThanOrEqual(minimalGets / 450);
  });
});

describe('crashes in mid-minute', () => {
  it("do not let a second minute's units be spent", async () => {
    const allowance = 10_000;
    const { peak, units } = await peakOverCrashes({ crashes: 6, allowance });
    expect(units, 'the quota is what bounds the run').toBeGreaterThan(1.5 * allowance);
    expect(peak).toBeLessThanOrEqual(1.02 * allowance);
  });
});
