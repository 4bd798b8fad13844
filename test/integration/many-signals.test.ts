import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MailboxSwampedError } from '../../src/client/errors.ts';
import { Rig } from '../fixtures/system/rig.ts';

/**
 * The most signals that the server keeps in one run; it refuses more until the run ends:
 * https://docs.temporal.io/workflow-execution/limits
 */
const SIGNALS = 10_000;
const AT_ONCE = 250;
/** Half of the 51,200 events at which the server ends a run. */
const LONGEST_RUN = 25_000;
/** More events than a run has in ordinary use. */
const ORDINARY_RUN = 1_000;

describe('a mailbox that gets 10,000 signals, the most that the server takes, while no worker runs', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.open('many-signals');
    await rig.startWorker();
  });
  afterAll(() => rig.close());

  it('refuses more, and becomes exact in runs of bounded length once a worker runs', async () => {
    const box = await rig.mailbox('many-signals', { messages: 20 });
    await box.start();
    await box.exact(30_000);
    await rig.stopWorker();
    const names = ['poke', 'retryFailures', 'reconnect', 'noSuchSignal'];
    const began = performance.now();
    let refused = 0;
    for (let sent = 0; sent < SIGNALS; sent += AT_ONCE) {
      box.deliver(`after ${sent} signals`);
      await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) =>
          box.handle.signal(names[index % names.length] ?? 'poke').catch(() => (refused += 1)),
        ),
      );
    }
    expect(refused).toBeLessThan(10);
    const pausing = box.client.pause(box.id);
    await expect(pausing).rejects.toBeInstanceOf(MailboxSwampedError);
    await expect(pausing).rejects.toMatchObject({ code: 'mailbox-swamped', remedy: { kind: 'run-worker' } });

    const sentAt = performance.now();
    await rig.startWorker();
    await box.exact(120_000);
    const lengths = (await box.runs()).map(({ history }) => history.events?.length ?? 0);
    console.log(
      `sent in ${((sentAt - began) / 1_000).toFixed(1)} s, exact ` +
        `${((performance.now() - sentAt) / 1_000).toFixed(1)} s later; runs of ${lengths.join(', ')} events`,
    );
    expect(Math.max(...lengths)).toBeLessThan(LONGEST_RUN);
    expect(await box.historyLength()).toBeLessThan(ORDINARY_RUN);
    await box.client.pause(box.id);
    await box.reaches('paused', 20_000);
  }, 240_000);
});
