import { randomUUID } from 'node:crypto';

import type { Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';

import { MAILBOX_WORKFLOW, status, workflowIdOf } from '../../src/workflows/definitions.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const payload = (encoding: string, data: string): Payload => ({
  metadata: { encoding: Buffer.from(encoding), messageType: Buffer.from('crm.Mailbox') },
  data: Buffer.from(data),
});

/** What clients in other languages send for values that are no plain JSON, and what a hand may send. */
const PAYLOADS: readonly (readonly [name: string, payload: Payload])[] = [
  ['JSON of protocol buffers', payload('json/protobuf', '{"mailbox":"ada@example.com"}')],
  ['protocol buffers', payload('binary/protobuf', '\n\u0003ada')],
  ['an encoding that nobody knows', payload('text/yaml', 'mailbox: ada')],
  ['text that is no JSON', payload('json/plain', 'mailbox: ada')],
  ['no data', { metadata: { encoding: Buffer.from('json/plain') } }],
  ['no encoding', { metadata: {}, data: Buffer.from('{}') }],
  ['no metadata', { data: Buffer.from('{}') }],
  ['ciphertext of a foreign key', payload('binary/encrypted', '\u0001\u0002\u0003')],
  ['bytes', payload('binary/plain', '\u0000\u0001')],
];
const SIGNALS = ['poke', 'configure', 'rateLimited', 'handOver', 'deliver', 'pause', 'resume', 'noSuchSignal'];
const UPDATES = ['sync', 'awaitSync', 'awaitResync', 'awaitAudit'];

describe('payloads that are no JSON', () => {
  let rig: Rig;
  let box: TestMailbox;

  beforeAll(async () => {
    rig = await Rig.open('unreadable');
    await rig.startWorker();
    box = await rig.mailbox('unreadable', { messages: 5 });
    await box.start();
    await box.exact(30_000);
  });
  afterAll(() => rig.close());

  const service = () => rig.tidemark.temporal.connection.workflowService;
  const target = () => ({
    namespace: rig.config.temporal.namespace,
    workflowExecution: { workflowId: box.handle.workflowId },
  });

  /** Starts a mailbox's workflow by the bare protocol, as a client in another language does. */
  async function start(workflowId: string, input: Payload[], more: object = {}): Promise<void> {
    await service().startWorkflowExecution({
      namespace: rig.config.temporal.namespace,
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: MAILBOX_WORKFLOW },
      taskQueue: { name: rig.config.taskQueue },
      input: { payloads: input },
      ...more,
    });
  }

  /** Expects that the mailbox is exact about new mail, with its settings. */
  async function goesOn(): Promise<void> {
    await box.handle.signal('resume');
    box.deliver('afterwards');
    await box.handle.signal('poke');
    const { phase, settings } = await box.exact(30_000);
    expect({ phase, settings }).toEqual({ phase: 'live', settings: box.settings });
    expect(await box.workflowFailures()).toEqual([]);
  }

  test.each(PAYLOADS)(
    'of %s in any signal stop no mailbox',
    async (_name, bad) => {
      for (const signalName of SIGNALS)
        await service().signalWorkflowExecution({ ...target(), signalName, input: { payloads: [bad, bad] } });
      await goesOn();
      expect((await box.report()).lastError?.message).toMatch(/^the settings were not changed: /);
    },
    60_000,
  );

  test.each(PAYLOADS)(
    'of %s in updates and queries stop no mailbox',
    async (_name, bad) => {
      const args = { payloads: [bad] };
      const accepted: string[] = [];
      for (const name of UPDATES) {
        const { outcome } = await service().updateWorkflowExecution({
          ...target(),
          waitPolicy: { lifecycleStage: 'UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED' as never },
          request: { meta: { updateId: randomUUID() }, input: { name, args } },
        });
        if (outcome?.success) accepted.push(name);
      }
      expect(accepted).toEqual(['sync']);
      const { namespace, workflowExecution: execution } = target();
      const { queryResult } = await service().queryWorkflow({
        namespace,
        execution,
        query: { queryType: 'status', queryArgs: args },
      });
      expect(queryResult).toBeTruthy();
      await goesOn();
    },
    60_000,
  );

  test.each(PAYLOADS)(
    'of %s as input fail the workflow with a sentence',
    async (_name, bad) => {
      const workflowId = `mailbox/refused-${randomUUID()}@example.com`;
      await start(workflowId, [bad]);
      await expect(rig.tidemark.temporal.workflow.getHandle(workflowId).result()).rejects.toMatchObject({
        cause: {
          message: expect.stringMatching(/^this mailbox was not started: .*\{"mailbox":"ada@example\.com"\}/),
          type: 'InvalidInput',
          nonRetryable: true,
        },
      });
    },
    30_000,
  );

  it('beside the input and in the memo change nothing, and stop no list, report or removal', async () => {
    const other = await rig.mailbox('beside', { messages: 3, format: 'full' });
    const input = payload('json/plain', JSON.stringify({ mailbox: other.id }));
    const bad = PAYLOADS.map(([, one]) => one);
    const memo = { fields: Object.fromEntries(bad.map((one, at) => [`note${at}`, one])) };
    await start(workflowIdOf(other.id), [input, ...bad], { memo });
    await expect
      .poll(async () => (await other.handle.query(status).catch(() => null))?.inSync, { timeout: 30_000 })
      .toBe(true);
    await expect.poll(async () => [...(await rig.tidemark.client.running()).keys()]).toContain(other.id);
    expect((await rig.tidemark.client.list()).map(({ mailbox }) => mailbox)).toContain(box.id);
    expect(await other.report()).toMatchObject({ mailbox: other.id, phase: 'live' });
    expect(await rig.tidemark.client.remove(other.id)).toMatchObject({ wasRunning: true });
  }, 60_000);
});
