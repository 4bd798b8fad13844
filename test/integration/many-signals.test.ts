import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Rig } from './rig.ts';

/** The server takes 10,000 in one run, and refuses more until it is cut: https://docs.temporal.io/workflow-execution/limits */
const WITHOUT_WORKER = 9_000;
const BESIDE_WORKER = 900;
const AT_ONCE = 300;
/** It ends a run of 51,200 events. */
const LONGEST_RUN = 25_000;
/** What a run holds that nobody hurries. */
const ORDINARY_RUN = 1_000;

describe('a mailbox that gets nearly 10,000 signals as fast as they can be sent', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.open('many-signals');
    await rig.startWorker();
  });
  afterAll(() => rig.close());

  it('lives through them, most while no worker runs, in runs of bounded length, and is exact after', async () => {
    const box = await rig.mailbox('many-signals', { messages: 20 });
    await box.start();
    await box.exact(30_000);
    await rig.stopWorker();
    const names = ['poke', 'retryFailures', 'reconnect', 'noSuchSignal'];
    const send = (count: number): Promise<unknown> => Promise.all(Array.from({ length: count }, (_, index) => box.handle.signal(names[index % names.length] ?? 'poke')));
    const began = performance.now();
    for (let sent = 0; sent < WITHOUT_WORKER; sent += AT_ONCE) {
      box.deliver(`after ${sent} signals`);
      await send(AT_ONCE);
    }
    const sentAt = performance.now();
    await rig.startWorker();
    for (let sent = 0; sent < BESIDE_WORKER; sent += AT_ONCE) await send(AT_ONCE);
    await box.exact(60_000);
    const lengths = (await box.runs()).map(({ history }) => history.events?.length ?? 0);
    console.log(`sent in ${((sentAt - began) / 1_000).toFixed(1)} s, exact ${((performance.now() - sentAt) / 1_000).toFixed(1)} s later; runs of ${lengths.join(', ')} events`);
    expect(Math.max(...lengths)).toBeLessThan(LONGEST_RUN);
    expect(await box.historyLength()).toBeLessThan(ORDINARY_RUN);
    expect(await box.workflowFailures()).toEqual([]);
    expect((await box.report()).phase).toBe('live');
  }, 180_000);
});
