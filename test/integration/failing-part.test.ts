import { NativeConnection, Worker } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

import { NamespaceNotFoundError, ServerRefusedError, TemporalFailureError } from '../../src/client/errors.ts';
import { createLog } from '../../src/host/log.ts';
import { tidemarkPlugin } from '../../src/plugin/tidemark-plugin.ts';
import { createWorker } from '../../src/worker.ts';
import { backfillQueueOf, webhookQueueOf } from '../../src/workflows/definitions.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { RefusingServer, type Call, type Refusal } from '../fixtures/temporal/refusing-server.ts';

const log = createLog('silent');

/** A refusal after which the SDK tries again for a minute before the worker fails. */
const DENIED: Refusal = { code: 7, message: 'denied' };
const NOT_FOUND: Refusal = { code: 5, message: 'not found' };
/** A refusal with which a worker fails at once. */
const FATAL: Refusal = { code: 8, message: 'grpc: received message larger than max' };

const isPoll = ({ method }: Call): boolean => method.startsWith('Poll');
const pollsOf =
  (queue: string, refusal: Refusal) =>
  (call: Call): Refusal | null =>
    isPoll(call) && call.holds(queue) ? refusal : null;

describe('a part of the worker that Temporal refuses', () => {
  let rig: Rig;
  let temporal: RefusingServer;
  let connection: NativeConnection;
  beforeEach(async () => {
    temporal = await RefusingServer.open(inject('temporalAddress'));
    rig = await Rig.open('failing-part', { temporalAddress: temporal.address });
    connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  });
  afterEach(async () => {
    await rig.close();
    await connection.close();
    await temporal.close();
  });

  /** Runs a product's own worker, whose calls are not refused, and waits until Tidemark's workers beside it poll. */
  const runOwnWorker = async (): Promise<{ readonly worker: Worker; readonly run: Promise<void> }> => {
    const { config } = rig;
    const polling = temporal.gets(isPoll);
    const worker = await Worker.create({
      connection,
      taskQueue: config.taskQueue,
      workflowBundle: await workflowBundle(),
      plugins: [tidemarkPlugin({ config, log })],
    });
    const run = worker.run();
    await polling;
    return { worker, run };
  };

  it('ends the whole worker with its error, and leaves no other part running', async () => {
    const worker = await createWorker({ config: rig.config, log });
    const queue = webhookQueueOf(rig.config.taskQueue);
    temporal.refuse(pollsOf(queue, FATAL));
    const error = await worker.ended.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TemporalFailureError);
    expect(error).toMatchObject({ message: expect.stringContaining(`the task queue ${queue} failed`) });
    await expect(worker.stop()).rejects.toBe(error);
  }, 60_000);

  it('ends the whole worker with its error when the part runs workflows', async () => {
    const worker = await createWorker({ config: rig.config, log });
    temporal.refuse(({ method }) => (method === 'PollWorkflowTaskQueue' ? FATAL : null));
    await expect(worker.ended).rejects.toThrow("One of Temporal's workers failed.");
  }, 60_000);

  it('ends the process of a worker', async () => {
    const program = await rig.spawnWorker();
    temporal.refuse(pollsOf(backfillQueueOf(rig.config.taskQueue), FATAL));
    const { code, stderr } = await program.ended;
    expect(code).toBe(1);
    expect(stderr).toContain(`Temporal's worker for the task queue ${backfillQueueOf(rig.config.taskQueue)} failed.`);
  }, 60_000);

  it.each([
    ['access is refused', DENIED, ServerRefusedError],
    ['the namespace is gone', NOT_FOUND, NamespaceNotFoundError],
  ] as const)(
    'says that %s when Temporal reports that',
    async (_, refusal, kind) => {
      const worker = await createWorker({ config: rig.config, log });
      temporal.refuse((call) => {
        if (call.method === 'DescribeNamespace') return refusal;
        return isPoll(call) ? FATAL : null;
      });
      await expect(worker.ended).rejects.toThrow(kind);
    },
    60_000,
  );

  it("ends a product's own worker with its error", async () => {
    const queue = backfillQueueOf(rig.config.taskQueue);
    const { worker, run } = await runOwnWorker();
    temporal.refuse(pollsOf(queue, FATAL));
    await expect(run).rejects.toThrow(`Temporal's worker for the task queue ${queue} failed.`);
    expect(worker.getState()).toBe('STOPPED');
  }, 60_000);

  it("lets a product's own worker stop while a part is refused", async () => {
    const { worker, run } = await runOwnWorker();
    temporal.refuse(pollsOf(webhookQueueOf(rig.config.taskQueue), DENIED));
    expect(await secondsToStop(worker, run)).toBeLessThan(20);
  }, 60_000);

  it("lets a product's own worker stop while a part has failed", async () => {
    const queue = webhookQueueOf(rig.config.taskQueue);
    const { worker, run } = await runOwnWorker();
    // The SDK makes this call once the worker has failed.
    const failed = temporal.gets((call) => call.method === 'ShutdownWorker' && call.holds(queue));
    temporal.refuse(pollsOf(queue, FATAL));
    await failed;
    expect(await secondsToStop(worker, run)).toBeLessThan(20);
  }, 60_000);
});

async function secondsToStop(worker: Worker, run: Promise<void>): Promise<number> {
  const begun = performance.now();
  worker.shutdown();
  await Promise.allSettled([run]);
  return (performance.now() - begun) / 1_000;
}
