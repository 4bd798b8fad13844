import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';

/** Faults name the mailbox that they are for, so these tests run beside each other on one worker. */
describe.concurrent('a mailbox that Gmail fails', () => {
  endMailboxesWithTheirTests();
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('failures');
    await rig.startWorker();
  });
  afterAll(() => rig.close());

  it('becomes exact after seconds in which 30% of calls fail, break off, are cut or are slow', async () => {
    const box = await rig.mailbox('storm', { messages: 300, threadSize: 1, pollInterval: 500 });
    const until = Date.now() + 8_000;
    const during = { match: { email: box.id }, probability: 0.075, until };
    rig.simulator.faults.add({ ...during, effect: { kind: 'status', status: 503 } });
    rig.simulator.faults.add({ ...during, effect: { kind: 'reset' } });
    rig.simulator.faults.add({ ...during, effect: { kind: 'truncate' } });
    rig.simulator.faults.add({ ...during, effect: { kind: 'slow', ms: 700 } });
    await box.start();
    while (Date.now() < until) {
      const [first, second] = box.ids();
      if (second !== undefined) box.gmail.modify([second], { add: ['STARRED'] });
      if (first !== undefined) box.gmail.delete(first);
      box.deliver('in the storm');
      await sleep(400);
    }
    await box.exact(30_000);
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  it('counts messages that always answer 400 or 500 as failed, stores the rest, and moves its mark on', async () => {
    const box = await rig.mailbox('poison', { messages: 60, threadSize: 1 });
    const [refused = '', broken = ''] = box.ids();
    box.gmail.poison(refused, 400);
    box.gmail.poison(broken, 500);
    await box.start();
    const report = await eventually(40_000, async () => {
      const now = await box.report();
      return now.counts.failed === 2 && now.inSync === true ? now : null;
    });
    expect(report.counts).toMatchObject({ failed: 2, pending: 0, stored: box.ids().length - 2 });
    expect((await rig.tidemark.store.listFailed(box.id, 10)).map(({ id }) => id).sort()).toEqual(
      [refused, broken].sort(),
    );
    expect((await box.differences()).sort()).toEqual([`missing ${refused}`, `missing ${broken}`].sort());
    box.deliver('the mark goes on');
    await box.client.sync(box.id, { wait: true });
    expect((await box.report()).historyId).toBe(box.gmail.historyId);
    expect((await box.report()).counts.stored).toBe(box.ids().length - 2);
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  it('waits without calls in phase needs-consent once its grant is revoked, until it is connected again', async () => {
    const box = await rig.mailbox('revoked', { messages: 30, pollInterval: 500 });
    await box.start();
    await box.exact(20_000);
    rig.simulator.revoke(box.id);
    box.deliver('nobody may read me');
    await box.client.poke(box.id);
    await box.reaches('needs-consent', 30_000);
    await eventually(30_000, async () => ((await box.isFoundAs('needs-consent')) ? true : null));
    const events = await box.settledHistoryLength(5_000);
    const requests = rig.simulator.requests.get(box.id);
    expect(requests).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) {
      await box.client.poke(box.id);
      await sleep(400);
    }
    expect(rig.simulator.requests.get(box.id)).toBe(requests);
    expect(await box.historyLength()).toBeLessThanOrEqual(events + 5 * 4);
    rig.simulator.grant(box.id);
    await box.connect();
    expect(await box.client.reconnect(box.id)).toBe(true);
    await box.exact(20_000);
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);
});
