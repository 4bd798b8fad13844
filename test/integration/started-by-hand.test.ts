import { Client, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';

import { MAILBOX_WORKFLOW, workflowIdOf } from '../../src/workflows/definitions.ts';
import { Rig } from './rig.ts';

describe.concurrent("a mailbox that any client of Temporal's starts", () => {
  let rig: Rig;
  let plain: Client;

  beforeAll(async () => {
    rig = await Rig.open('by-hand');
    await rig.startWorker();
    const { connection, options } = rig.tidemark.temporal;
    plain = new Client({ connection, namespace: options.namespace });
  });
  afterAll(() => rig.close());

  const start = (workflowId: string, args: unknown[]): Promise<WorkflowHandle> =>
    plain.workflow.start(MAILBOX_WORKFLOW, { workflowId, taskQueue: rig.env['TIDEMARK_TASK_QUEUE'] ?? '', args });

  it('runs and becomes exact with its address alone', async () => {
    const box = await rig.mailbox('address-alone', { messages: 10, format: 'full' });
    await start(workflowIdOf(box.id), [{ mailbox: box.id }]);
    await box.exact(30_000);
    expect((await box.report()).settings).toMatchObject({ format: 'full', attachments: false });
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  test.each([
    ['none', [], 'the input is no object'],
    ['null', [null], 'the input is no object'],
    ['of another address', [{ mailbox: 'bob@example.com' }], 'must be "mailbox/bob@example.com"'],
  ])('fails with a sentence where the input is %s', async (name, args, sentence) => {
    const handle = await start(`mailbox/refused-${name.replaceAll(' ', '-')}-${process.pid}@example.com`, args);
    const failure: unknown = await handle.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect(failure).toMatchObject({ cause: { message: expect.stringContaining(sentence), type: 'InvalidInput', nonRetryable: true } });
  }, 30_000);
});
