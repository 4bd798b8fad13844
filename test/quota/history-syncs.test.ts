import { describe, expect, it } from 'vitest';
import { partialSyncOfLabelChanges, recoverFromExpiredHistory } from '../fixtures/measured/history-syncs.ts';
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

describe('a recovery', () => {
  it('costs little more than the new mail, and is exact', async () => {
    const changes = 40;
    const { units, minimalGets, differences } = await recoverFromExpiredHistory({ messages: 3_000, changes });
    expect(differences).toEqual([]);
    const newMail = changes / 4;
    expect(units, 'new mail must be fetched in any case').toBeLessThanOrEqual(minimalGets / 100 + 2 * 20 * newMail);
  });
});

describe('crashes in mid-minute', () => {
  it("do not let a second minute's units be spent", async () => {
    const grant = 10_000;
    const { peak, units } = await peakOverCrashes({ crashes: 6, grant });
    expect(units, 'the quota is what bounds the run').toBeGreaterThan(1.5 * grant);
    expect(peak).toBeLessThanOrEqual(1.02 * grant);
  });
});
