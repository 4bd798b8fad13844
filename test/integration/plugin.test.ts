import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/host/log.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { PluginError } from '../../src/plugin/plugin-error.ts';
import { tidemarkPlugin } from '../../src/plugin/tidemark-plugin.ts';
import { StoreError } from '../../src/store/engines/store-error.ts';
import { temporalAddressOf } from '../../src/temporal/connect.ts';
import * as definitions from '../../src/workflows/definitions.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { Rig } from '../fixtures/system/rig.ts';

const WORKFLOWS = fileURLToPath(new URL('../fixtures/product/workflows.ts', import.meta.url));
const WITHOUT_MAILBOXES = fileURLToPath(new URL('../fixtures/product/without-mailboxes.ts', import.meta.url));
const KEY = randomBytes(32).toString('base64');
const log = createLog('silent');

describe("a product's own worker with the plugin", () => {
  let rig: Rig;
  let connection: NativeConnection;
  beforeEach(async () => {
    rig = await Rig.open('plugin', { env: { TIDEMARK_PAYLOAD_KEY: KEY } });
    connection = await NativeConnection.connect({ address: temporalAddressOf(rig.config) });
  });
  afterEach(async () => {
    await connection.close();
    await rig.close();
  });

  it('runs its own workflows and mailboxes, all of them with the payload key', async () => {
    const { config } = rig;
    const subjects: (string | null)[] = [];
    const worker = await Worker.create({
      connection,
      namespace: config.temporal.namespace,
      taskQueue: config.taskQueue,
      workflowsPath: WORKFLOWS,
      activities: { greet: async (name: string) => `Hello ${name}` },
      plugins: [
        tidemarkPlugin({
          config,
          log,
          handlers: {
            [`crm-${process.pid}`]: {
              beginning: { kind: 'first' },
              handle: async (changes, context) => {
                for (const { messageId } of changes) subjects.push((await context.message(messageId))?.subject ?? null);
              },
            },
          },
        }),
      ],
    });
    const ended = worker.run();
    const client = new Client({
      connection: rig.tidemark.temporal.connection,
      namespace: config.temporal.namespace,
      plugins: [tidemarkPlugin({ config, log })],
    });

    const box = await rig.mailbox('plugged', { messages: 60 });
    await box.start();
    const workflowId = `welcome-${process.pid}-${systemClock.now()}`;
    const started = await client.workflow.start('welcome', { workflowId, taskQueue: config.taskQueue, args: ['Ada'] });
    expect(await started.result()).toBe('Hello Ada!');
    await box.exact(60_000);
    // As a client in another language sends it. The SDK decodes it before the mailbox sees it.
    await rig.tidemark.temporal.connection.workflowService.signalWorkflowExecution({
      namespace: config.temporal.namespace,
      workflowExecution: { workflowId: box.handle.workflowId },
      signalName: 'configure',
      input: { payloads: [{ metadata: { encoding: Buffer.from('json/protobuf') }, data: Buffer.from('{}') }] },
    });
    box.deliver('a new order');
    await box.client.sync(box.id, { wait: true });
    await eventually(20_000, async () => (subjects.includes('a new order') ? true : null));
    // The product's client reads the payloads of mailboxes, and a client without the key cannot read the product's.
    const mailbox = client.workflow.getHandle(definitions.workflowIdOf(box.id));
    expect((await mailbox.query(definitions.status)).mailbox).toBe(box.id);
    expect(JSON.stringify((await started.fetchHistory()).events)).not.toContain(
      Buffer.from('"Ada"').toString('base64'),
    );
    await expect(
      new Client({ connection: rig.tidemark.temporal.connection }).workflow.getHandle(workflowId).result(),
    ).rejects.toThrow(/encrypted/);

    worker.shutdown();
    await ended;
    expect(await box.workflowFailures()).toEqual([]);
  }, 180_000);

  it('ends, and says why, when the database cannot be opened', async () => {
    const config = loadConfig({
      env: { ...rig.env, DATABASE_URL: 'postgres://ada:no@127.0.0.1:1/none', TIDEMARK_SECRET_KEY: KEY },
    });
    const worker = await Worker.create({
      connection,
      taskQueue: config.taskQueue,
      workflowBundle: await workflowBundle(),
      plugins: [tidemarkPlugin({ config, log })],
    });
    // The SDK has no type for this option, so nothing else would show that it had stopped reading it.
    expect(worker.options.isolateExecutionTimeoutMs).toBe(20_000);
    await expect(worker.run()).rejects.toThrow(StoreError);
    expect(worker.getState()).toBe('STOPPED');
  }, 60_000);

  it('is refused when its workflows do not hold those of mailboxes', async () => {
    const { config } = rig;
    const create = (workflows: Pick<WorkerOptions, 'workflowsPath' | 'workflowBundle' | 'bundlerOptions'>) =>
      Worker.create({
        connection,
        taskQueue: config.taskQueue,
        ...workflows,
        plugins: [tidemarkPlugin({ config, log })],
      });
    const sentence =
      ' does not hold the workflow of mailboxes, so that no mailbox would ever go on. ' +
      "Add to the product's workflows: export * from 'tidemark/workflows';";
    await expect(create({ workflowsPath: WITHOUT_MAILBOXES })).rejects.toThrow(`${WITHOUT_MAILBOXES}${sentence}`);
    // The product's own change of the bundler is kept.
    let changed = 0;
    const bundlerOptions: WorkerOptions['bundlerOptions'] = {
      webpackConfigHook: (config) => {
        changed += 1;
        return config;
      },
    };
    await expect(create({ workflowsPath: WITHOUT_MAILBOXES, bundlerOptions })).rejects.toThrow(sentence);
    expect(changed).toBe(1);
    const { code } = await bundleWorkflowCode({ workflowsPath: WITHOUT_MAILBOXES, logger: new DefaultLogger('ERROR') });
    await expect(create({ workflowBundle: { code } })).rejects.toThrow(`The workflow bundle${sentence}`);
    const codePath = join(rig.folder, 'bundle.js');
    writeFileSync(codePath, code);
    await expect(create({ workflowBundle: { codePath } })).rejects.toThrow(PluginError);
  }, 120_000);

  it.each(['before', 'after'] as const)(
    "traces both kinds of workflows with Temporal's tracing plugin, given %s Tidemark's",
    async (place) => {
      const { config } = rig;
      const spans = new InMemorySpanExporter();
      const spanProcessor = new SimpleSpanProcessor(spans);
      const provider = new BasicTracerProvider({ spanProcessors: [spanProcessor] });
      const traced = new OpenTelemetryPlugin({
        resource: new Resource({}),
        spanProcessor,
        tracer: provider.getTracer('product'),
      });
      const ours = tidemarkPlugin({ config, log });
      const worker = await Worker.create({
        connection,
        taskQueue: config.taskQueue,
        workflowsPath: WORKFLOWS,
        activities: { greet: async (name: string) => `Hello ${name}` },
        plugins: place === 'before' ? [traced, ours] : [ours, traced],
      });
      const ended = worker.run();
      const box = await rig.mailbox(`traced-${place}`, { messages: 5 });
      await box.start();
      const { temporal } = rig.tidemark;
      const workflowId = `traced-${place}-${process.pid}-${systemClock.now()}`;
      await temporal.workflow.execute('welcome', { workflowId, taskQueue: config.taskQueue, args: ['Ada'] });
      await box.exact(30_000);
      worker.shutdown();
      await ended;
      const named = new Set(spans.getFinishedSpans().map(({ name }) => name));
      for (const name of [
        'RunWorkflow:welcome',
        'RunActivity:greet',
        'RunActivity:openMailbox',
        'RunActivity:fullSync',
      ])
        expect([...named]).toContain(name);
      expect(await box.workflowFailures()).toEqual([]);
    },
    120_000,
  );

  it('is refused on another task queue or namespace, since no mailbox would ever run', async () => {
    const create = Worker.create({
      connection,
      taskQueue: 'orders',
      plugins: [tidemarkPlugin({ config: rig.config, log })],
    });
    await expect(create).rejects.toThrow(PluginError);
    await expect(create).rejects.toThrow(
      `The worker polls the task queue orders, and mailboxes are started on ${rig.config.taskQueue}.`,
    );
    const { taskQueue } = rig.config;
    await expect(
      Worker.create({
        connection,
        namespace: 'elsewhere',
        taskQueue,
        plugins: [tidemarkPlugin({ config: rig.config, log })],
      }),
    ).rejects.toThrow('The worker is in the namespace elsewhere, and mailboxes are started in default.');
  });

  it('is refused when it has an activity of the same name, which would no longer run', async () => {
    const create = Worker.create({
      connection,
      taskQueue: rig.config.taskQueue,
      activities: { audit: async () => 'the books' },
      plugins: [tidemarkPlugin({ config: rig.config, log })],
    });
    await expect(create).rejects.toThrow('Tidemark has an activity named audit, and the worker has one of its own.');
  });

  it("is refused when its payloads have a codec that Tidemark's clients lack", async () => {
    const own: PayloadCodec = { encode: async (payloads) => payloads, decode: async (payloads) => payloads };
    const create = Worker.create({
      connection,
      taskQueue: rig.config.taskQueue,
      dataConverter: { payloadCodecs: [own] },
      plugins: [tidemarkPlugin({ config: rig.config, log })],
    });
    await expect(create).rejects.toThrow('TIDEMARK_PAYLOAD_KEY asks for those of Tidemark');
  });

  it("keeps the product's own payload converter, where it has one", () => {
    const plugin = tidemarkPlugin({ config: rig.config, log });
    const own = { workflowsPath: WORKFLOWS, payloadConverterPath: '/product/converter.js' };
    expect(plugin.configureBundler(own)).toMatchObject(own);
    expect(plugin.configureBundler({ workflowsPath: WORKFLOWS }).payloadConverterPath).toMatch(
      /payload-converter\.ts$/,
    );
  });

  it('gets the workflows of mailboxes when it has no workflows of its own', () => {
    const plugin = tidemarkPlugin({ config: rig.config, log });
    expect(plugin.configureWorker({ taskQueue: rig.config.taskQueue }).workflowsPath).toMatch(/workflows\/index\.ts$/);
  });
});
