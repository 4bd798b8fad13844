import { Client, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';

import { MAILBOX_WORKFLOW, workflowIdOf } from '../../src/workflows/definitions.ts';
import { openNamespace } from '../fixtures/system/own-namespace.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';

describe.concurrent("a mailbox that any client of Temporal's starts", () => {
  endMailboxesWithTheirTests();
  let rig: Rig;
  let plain: Client;

  beforeAll(async () => {
    // It resumes all paused mailboxes.
    const namespace = `by-hand-${process.pid}`;
    await openNamespace(namespace);
    rig = await Rig.open('by-hand', { env: { TEMPORAL_NAMESPACE: namespace } });
    await rig.startWorker();
    const { connection, options } = rig.tidemark.temporal;
    plain = new Client({ connection, namespace: options.namespace });
  });
  afterAll(() => rig.close());

  const start = (workflowId: string, args: unknown[]): Promise<WorkflowHandle> =>
    plain.workflow.start(MAILBOX_WORKFLOW, { workflowId, taskQueue: rig.env['TIDEMARK_TASK_QUEUE'] ?? '', args });

  it('needs only its address to run and become exact', async () => {
    const box = await rig.mailbox('address-alone', { messages: 10, format: 'full' });
    await start(workflowIdOf(box.id), [{ mailbox: box.id }]);
    await box.exact(30_000);
    expect((await box.report()).settings).toMatchObject({ format: 'full', attachments: false });
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  test.each<[name: string, args: (address: string) => unknown[], sentence: string]>([
    ['missing', () => [], 'the input is no object'],
    ['null', () => [null], 'the input is no object'],
    ['of another address', () => [{ mailbox: 'bob@example.com' }], 'must be "mailbox/bob@example.com"'],
    [
      'a state that somebody made up',
      (mailbox) => [{ mailbox, carried: { mailbox, fullSync: {}, syncs: {}, counters: {}, settings: {} } }],
      '"carried" is for the workflow itself',
    ],
  ])(
    'fails with a clear message when its input is %s',
    async (name, args, sentence) => {
      const address = `refused-${name.replaceAll(' ', '-')}-${process.pid}@example.com`;
      const handle = await start(`mailbox/${address}`, args(address));
      const failure: unknown = await handle.result().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(WorkflowFailedError);
      expect(failure).toMatchObject({
        cause: { message: expect.stringContaining(sentence), type: 'InvalidInput', nonRetryable: true },
      });
    },
    30_000,
  );

  it('shows in status why it did not start, until it does', async () => {
    const box = await rig.mailbox('mistyped', { messages: 3, format: 'full' });
    const handle = await start(workflowIdOf(box.id), [{ mailbox: box.id, settings: { format: 'eml' } }]);
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(await box.report()).toMatchObject({
      phase: 'stopped',
      lastError: {
        message: expect.stringMatching(
          /^this mailbox was not started: the setting "format" is wrong: .*\{"mailbox":"ada@example\.com"\}/,
        ),
        mendedAt: null,
      },
    });
    await start(workflowIdOf(box.id), [{ mailbox: box.id }]);
    expect(await box.exact(30_000)).toMatchObject({ phase: 'live', lastError: null });
  }, 60_000);

  it('keeps its former settings except those that are named, and fetches nothing twice', async () => {
    const box = await rig.mailbox('again', { messages: 5, format: 'raw' });
    await box.client.start(box.id, { ...box.settings, auditInterval: null });
    const { settings } = await box.exact(30_000);
    await box.client.stop(box.id);
    await start(workflowIdOf(box.id), [{ mailbox: box.id, settings: { pollInterval: 700 } }]);
    expect((await box.exact(30_000)).settings).toEqual({ ...settings, pollInterval: 700 });
    expect([...rig.simulator.fetches()].filter(([id, count]) => box.ids().includes(id) && count > 1)).toEqual([]);
  }, 60_000);

  it('is listed, counted and found by phase as if Tidemark had started it', async ({ expect }) => {
    const box = await rig.mailbox('listed', { messages: 3, format: 'full' });
    await start(workflowIdOf(box.id), [{ mailbox: box.id, settings: { pollInterval: 500 } }]);
    await box.exact(30_000);
    await expect
      .poll(async () => (await rig.tidemark.client.list()).find(({ mailbox }) => mailbox === box.id))
      .toMatchObject({ phase: 'live', counts: { stored: box.ids().length }, inSync: null });
    await box.handle.signal('pause');
    await expect.poll(() => box.isFoundAs('paused')).toBe(true);
    await expect.poll(async () => (await rig.tidemark.client.running()).get(box.id)).toBe('paused');
    const { resumed } = await rig.tidemark.client.resumeAll({ phases: ['paused'] });
    expect(resumed).toContain(box.id);
    await expect.poll(async () => (await box.report()).phase).toBe('live');
  }, 60_000);

  it('is in its first phase until a worker takes it', async ({ expect }) => {
    const box = await rig.mailbox('untaken');
    await plain.workflow.start(MAILBOX_WORKFLOW, {
      workflowId: workflowIdOf(box.id),
      taskQueue: `nobody-${process.pid}`,
      args: [{ mailbox: box.id }],
    });
    expect(await box.report()).toMatchObject({ phase: 'full-sync', workerAnswered: false, lastError: null });
    await expect.poll(async () => (await rig.tidemark.client.running()).get(box.id)).toBe('full-sync');
  });
});
