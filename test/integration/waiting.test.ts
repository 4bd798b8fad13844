import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

/** Longer than a Gmail session waits by itself, so that the activity has to wait. */
const LONG = 22_000;
/**
 * Events of a timer that fires: its own, three of the workflow task, and what that begins. The timer of the last poll
 * may fire after both lanes wait; were there one for each second, they would be a hundred.
 */
const A_TIMER = 5;

describe.concurrent('a mailbox that Gmail asks to wait', () => {
  endMailboxesWithTheirTests();
  let rig: Rig;
  let metered: Rig;

  beforeAll(async () => {
    [rig, metered] = await Promise.all([Rig.open('waiting'), Rig.open('metered')]);
    await Promise.all([rig.startWorker(), metered.startWorker()]);
  });
  afterAll(() => Promise.all([rig.close(), metered.close()]));

  async function attempts(box: TestMailbox): Promise<number> {
    const { raw } = await box.handle.describe();
    return Math.max(0, ...(raw.pendingActivities ?? []).map(({ attempt }) => attempt ?? 0));
  }

  /** The length of its history once both lanes wait: their activities have been refused, and are tried again later. */
  // A refused call is repeated for five seconds, in one lane after the other, with a last pause of up to twelve.
  const waitingHistoryLength = (box: TestMailbox): Promise<number> =>
    eventually(25_000, async () => {
      const { raw, historyLength } = await box.handle.describe();
      const waiting = (raw.pendingActivities ?? []).filter(({ attempt }) => (attempt ?? 1) > 1);
      return waiting.length === 2 && (raw.pendingWorkflowTask ?? null) === null ? historyLength : null;
    });

  it('makes no call before the time in `Retry after <time>`, and is found as rate-limited until then', async () => {
    const box = await rig.mailbox('retry-after', { messages: 30, pollInterval: 1_000 });
    await box.start();
    await box.exact(20_000);
    box.deliver('must wait');
    const first = Date.now() + LONG;
    rig.simulator.faults.add({ match: { email: box.id }, effect: { kind: 'retry-after', until: first } });
    // Gmail can move the time: the mailbox is refused once more after the first one.
    rig.simulator.faults.add({ match: { email: box.id }, effect: { kind: 'retry-after', until: first + LONG } });
    await box.client.poke(box.id);
    const told = await box.reaches('rate-limited', 10_000);
    // The worker sends a duration, which the workflow adds to its own time: the delay between them comes on top.
    expect(told.rateLimitedUntil).toBeGreaterThanOrEqual(first);
    expect(told.condition).toMatchObject({ kind: 'rate-limited', until: first });
    await eventually(5_000, async () => ((await box.isFoundAs('rate-limited')) ? true : null));
    await eventually(10_000, async () => ((await attempts(box)) > 1 ? true : null));
    const events = await box.settledHistoryLength(10_000);
    const requests = rig.simulator.requests.get(box.id);
    await sleep(first - Date.now() - 500);
    expect(rig.simulator.requests.get(box.id)).toBe(requests);
    await eventually(10_000, async () => ((await attempts(box)) > 1 && Date.now() > first + 1_500 ? true : null));
    const again = rig.simulator.requests.get(box.id) ?? 0;
    await sleep(first + LONG - Date.now() - 500);
    expect(rig.simulator.requests.get(box.id)).toBe(again);
    // The other lane may have begun its one relisting, and waits as well.
    expect(await box.historyLength()).toBeLessThanOrEqual(events + A_TIMER + A_TIMER);
    expect(await box.isFoundAs('rate-limited')).toBe(true);
    expect((await box.report()).condition).toMatchObject({ kind: 'rate-limited', until: first + LONG });
    expect((await box.exact(20_000)).phase).toBe('live');
    expect(await box.workflowFailures()).toEqual([]);
  }, 90_000);

  it.each([
    { status: 429, reason: 'rateLimitExceeded' },
    { status: 403, reason: 'rateLimitExceeded' },
    { status: 403, reason: 'userRateLimitExceeded' },
  ])(
    'makes few calls and adds no events while its backfill gets $status $reason',
    async ({ status, reason }) => {
      const box = await rig.mailbox(`limit-${status}-${reason.length}`, {
        messages: 200,
        threadSize: 1,
        pollInterval: 1_000,
      });
      rig.simulator.faults.add({ match: { email: box.id, method: 'batch' }, effect: { kind: 'slow', ms: 100 } });
      await box.start();
      await eventually(15_000, async () => ((await box.report()).counts.stored > 20 ? true : null));
      const until = Date.now() + 36_000;
      rig.simulator.faults.add({ match: { email: box.id }, effect: { kind: 'status', status, reason }, until });
      await box.reaches('rate-limited', 30_000);
      await eventually(5_000, async () => ((await box.isFoundAs('rate-limited')) ? true : null));
      const events = await waitingHistoryLength(box);
      const requests = rig.simulator.requests.get(box.id) ?? 0;
      await sleep(until - Date.now() - 500);
      // Each lane tries a few calls when its wait is over; neither adds an event.
      expect(await box.historyLength()).toBeLessThanOrEqual(events + A_TIMER);
      expect((rig.simulator.requests.get(box.id) ?? 0) - requests).toBeLessThanOrEqual(20);
      await box.exact(50_000);
      expect(await box.workflowFailures()).toEqual([]);
    },
    120_000,
  );

  it('finds the pace of a quota that it does not know, and becomes exact', async () => {
    const box = await metered.mailbox('metered', { messages: 90, threadSize: 1, pollInterval: 5_000 });
    metered.simulator.quota = { window: 'ten-seconds', userUnitsPerMinute: 6_000 };
    await box.start();
    const report = await box.exact(80_000);
    expect(report.counts.stored).toBe(box.ids().length);
    expect(await box.workflowFailures()).toEqual([]);
    // 90 messages cost 1,800 units, and the quota lets 1,000 in during any ten seconds.
    expect(report.usage.units).toBeLessThan(2_200);
    expect(report.usage.rejected).toBeGreaterThan(0);
  }, 100_000);
});
