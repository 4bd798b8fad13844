import { copyFileSync, rmSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

describe('after the loss of a database', () => {
  let rig: Rig;
  let box: TestMailbox;
  let database: string;

  beforeEach(async () => {
    rig = await Rig.open('loss');
    database = rig.databaseFile;
    await rig.startWorker();
    box = await rig.mailbox('loss', { messages: 60, threadSize: 1, pollInterval: 500 });
    await box.start();
    await box.exact(20_000);
  });
  afterEach(() => rig.close());

  const removeStore = (): void => {
    for (const end of ['', '-wal', '-shm']) rmSync(`${database}${end}`, { force: true });
  };
  const fetched = (): number => rig.simulator.usage.of(box.id).methods['messages.get']?.calls ?? 0;
  const listed = (): number => rig.simulator.usage.of(box.id).methods['messages.list']?.calls ?? 0;
  const change = (): void => {
    const [first = '', second = ''] = box.ids();
    box.gmail.delete(first);
    box.gmail.modify([second], { add: ['STARRED'] });
    box.deliver('meanwhile');
  };

  it('a store that was deleted under a running workflow is filled by a full sync', async () => {
    await rig.stopWorker();
    await rig.reopen(removeStore);
    const before = fetched();
    await rig.startWorker();
    const report = await box.exact(40_000);
    expect(fetched() - before).toBe(box.ids().length);
    expect(report.lastError?.message).toMatch(/database/);
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  it('a store that was restored from an older copy goes on from its mark, and fetches nothing again', async () => {
    await rig.stopWorker();
    await rig.reopen(() => copyFileSync(database, `${database}.copy`));
    await rig.startWorker();
    change();
    await box.exact(20_000);
    await rig.stopWorker();
    await rig.reopen(() => {
      removeStore();
      copyFileSync(`${database}.copy`, database);
    });
    expect(await box.differences()).not.toEqual([]);
    const before = { fetched: fetched(), listed: listed() };
    await rig.startWorker();
    await box.exact(40_000);
    expect(fetched() - before.fetched).toBe(1);
    expect(listed() - before.listed).toBeLessThanOrEqual(1);
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  it("a new workflow begins with a partial sync when only Temporal's data was deleted", async () => {
    await box.handle.terminate();
    const { workflowService } = rig.tidemark.temporal.connection;
    await workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: box.handle.workflowId },
    });
    change();
    const before = { fetched: fetched(), listed: listed() };
    await box.start();
    const report = await box.exact(20_000);
    expect(report).toMatchObject({ generation: 1, fullSyncs: 0 });
    expect(fetched() - before.fetched).toBe(1);
    expect(listed() - before.listed).toBeLessThanOrEqual(1);
  }, 60_000);
});
