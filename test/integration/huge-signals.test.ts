import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { workflowIdOf } from '../../src/workflows/definitions.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Rig } from '../fixtures/system/rig.ts';

/** The server takes requests of 4 MB, and payloads of 2 MB: https://docs.temporal.io/self-hosted-guide/defaults */
const ALMOST_2_MB = 2 * 1024 * 1024 - 1_000;
const MB = 1_000_000;

describe('signals as large as Temporal takes them', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('huge-signals');
    await rig.startWorker();
  });
  afterAll(() => rig.close());

  it('are refused with a clear message, and the mailbox goes on past continue-as-new', async () => {
    const box = await rig.mailbox('huge-signals', { messages: 5 });
    await box.start();
    await box.exact(60_000);
    const handle = rig.tidemark.temporal.workflow.getHandle(workflowIdOf(box.id));
    const { runId } = await handle.describe();

    await handle.signal('configure', { ['n'.repeat(ALMOST_2_MB)]: 1 });
    await handle.signal('rateLimited', { until: 1, message: 'm'.repeat(MB) }, 's'.repeat(MB - 1_000));
    const told = await eventually(30_000, async () => (await box.report()).lastError?.message ?? null);
    expect(told).toMatch(/^the settings were not changed: there is no setting "n{99}…": expected format/);

    // Enough further events for the history to be cut.
    for (let sent = 0; sent < 450; sent += 50)
      await Promise.all(Array.from({ length: 50 }, () => handle.signal('retryFailures')));
    await eventually(
      60_000,
      async () => ((await handle.describe()).runId === runId ? null : true),
      () => 'no new run',
    );
    await handle.signal('pause');
    await box.reaches('paused', 30_000);
    expect(await box.workflowFailures()).toEqual([]);
  }, 180_000);
});
