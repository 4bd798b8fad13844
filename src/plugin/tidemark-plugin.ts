import type { DataConverter } from '@temporalio/common';
import { SimplePlugin } from '@temporalio/plugin';
import type { BundleOptions, ReplayWorkerOptions, Worker, WorkerOptions } from '@temporalio/worker';

import type { SyncActivities } from '../activities/requests.ts';
import type { Config } from '../config/config.ts';
import { systemClock } from '../host/system-clock.ts';
import type { ClockSkew } from '../model/clock-skew.ts';
import { clockSinks } from '../telemetry/watch-clock.ts';
import { HEARTBEATS, LONG_TASKS } from '../hosting/temporal-workers.ts';
import { endOf } from '../hosting/worker-run.ts';
import { requestOf, type CreateWorkerOptions, type WorkerRequest } from '../hosting/worker-request.ts';
import { PAYLOAD_CONVERTER_PATH } from '../temporal/bundle-workflows.ts';
import { dataConverterOnceRead } from '../temporal/payload-codec.ts';
import { runBeside, type RunningWorker } from '../worker.ts';
import { activitiesOnceOpen } from './activities-once-open.ts';
import { workflowsOf } from './mailbox-workflows.ts';
import { PluginError } from './plugin-error.ts';

/** The sink to which mailboxes report the server's time: `clockSinks`. */
const CLOCK_SINK = 'clock';

/** What the worker's stores give once they are open. */
interface Opened {
  readonly activities: SyncActivities;
  readonly skew: ClockSkew;
}

/**
 * Runs mailboxes in a product's own Temporal worker, beside its own workflows and activities, and lets its own client
 * read their payloads. Give each worker and client a plugin of its own.
 *
 * The worker must poll the task queue and namespace of the configuration (TIDEMARK_TASK_QUEUE), because mailboxes are
 * started there. Its workflows must hold Tidemark's: `export * from 'tidemark/workflows';`. A worker without workflows
 * gets them by itself. The stores open when the worker runs, and close after it has ended. Backfill slices and
 * deliveries have task queues of their own, whose workers run beside it.
 *
 * @example
 *
 * ```ts
 * const worker = await Worker.create({
 *   connection,
 *   taskQueue: config.taskQueue,
 *   workflowsPath: fileURLToPath(import.meta.resolve('./workflows.ts')),
 *   activities,
 *   plugins: [tidemarkPlugin({ config })],
 * });
 * await worker.run();
 * ```
 *
 * @param options - those of `createWorker`
 * @returns the plugin, for one worker or one client
 * @throws {ConfigError} when no configuration is given, and the environment holds wrong values
 * @throws {UsageError} when an option is unknown
 * @throws {PluginError} from `Worker.create`, when the worker polls another task queue or namespace, has an activity of
 * the same name, payload codecs of its own, or workflows without those of mailboxes
 */
export function tidemarkPlugin(options: CreateWorkerOptions = {}): SimplePlugin {
  return new TidemarkPlugin(requestOf('tidemarkPlugin', options));
}

class TidemarkPlugin extends SimplePlugin {
  readonly #request: WorkerRequest;
  readonly #activities: SyncActivities;
  readonly #opened: PromiseWithResolvers<Opened>;
  #skew: ClockSkew | null = null;
  #version: Pick<WorkerOptions, 'workerDeploymentOptions'> = {};
  #hasRun = false;

  constructor(request: WorkerRequest) {
    const { config, clock = systemClock } = request;
    const opened = Promise.withResolvers<Opened>();
    const tidemark = dataConverterOnceRead(config, clock);
    const activities = activitiesOnceOpen(async () => (await opened.promise).activities);
    super({
      name: 'tidemark',
      activities,
      dataConverter: (own) => converterBeside(own, tidemark),
    });
    this.#request = request;
    this.#activities = activities;
    this.#opened = opened;
    // Prevents an unhandled rejection when no activity waits for it.
    opened.promise.catch(() => undefined);
  }

  override configureWorker(options: WorkerOptions): WorkerOptions {
    requireSame(this.#request.config, options);
    requireOwnNames(options, this.#activities);
    const { workflowBundle = this.#request.workflowBundle, workflowsPath, bundlerOptions } = options;
    const { workerDeploymentOptions } = options;
    this.#version = workerDeploymentOptions === undefined ? {} : { workerDeploymentOptions };
    return super.configureWorker({
      ...HEARTBEATS,
      ...LONG_TASKS,
      ...options,
      ...workflowsOf({ workflowBundle, workflowsPath, bundlerOptions }),
      sinks: {
        ...options.sinks,
        // The clock is watched once the stores are open.
        ...clockSinks({ seen: (clock, time) => this.#skew?.seen(clock, time) }),
      },
    });
  }

  override configureReplayWorker(options: ReplayWorkerOptions): ReplayWorkerOptions {
    const { workflowBundle = this.#request.workflowBundle, workflowsPath, bundlerOptions } = options;
    const workflows = workflowsOf({ workflowBundle, workflowsPath, bundlerOptions });
    return super.configureReplayWorker({ ...options, ...workflows });
  }

  /** Called by `Worker.create` for workflows from a path, and by `bundleWorkflowCode`. The host's converter stays. */
  override configureBundler(options: BundleOptions): BundleOptions {
    const { payloadConverterPath = PAYLOAD_CONVERTER_PATH } = options;
    return super.configureBundler({ ...options, payloadConverterPath });
  }

  override async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    if (this.#hasRun) throw new PluginError('A tidemarkPlugin runs one worker. Make another plugin for each worker.');
    this.#hasRun = true;
    const ended = new AbortController();
    const { clock = systemClock } = this.#request;
    const hosted = endOf(worker, next(worker), clock).finally(() => ended.abort());
    // Prevents an unhandled rejection: the worker's end is awaited below, whatever comes first.
    hosted.catch(() => undefined);
    try {
      const beside = await this.#openBeside(worker, { hosted, ended: ended.signal });
      await beside.ended;
    } catch (error) {
      this.#opened.reject(error);
      if (worker.getState() === 'RUNNING') worker.shutdown();
      const [own] = await Promise.allSettled([hosted]);
      // When the worker ended before the stores were open, there is nothing left to open them for.
      if (error !== ended.signal.reason) throw error;
      if (own.status === 'rejected') throw own.reason;
    }
  }

  #openBeside(
    worker: Worker,
    { hosted, ended }: { readonly hosted: Promise<void>; readonly ended: AbortSignal },
  ): Promise<RunningWorker> {
    const { signal } = this.#request;
    return runBeside(
      { ...this.#request, signal: signal === undefined ? ended : AbortSignal.any([signal, ended]) },
      {
        worker,
        ended: hosted,
        version: this.#version,
        open: (opened) => {
          this.#skew = opened.skew;
          this.#opened.resolve(opened);
        },
      },
    );
  }
}

/** Clients start mailboxes on the configured queue, so a worker on another one would never see them. */
function requireSame({ taskQueue, temporal: { namespace } }: Config, options: WorkerOptions): void {
  if (options.taskQueue !== taskQueue)
    throw new PluginError(
      `The worker polls the task queue ${options.taskQueue}, and mailboxes are started on ${taskQueue}. ` +
        'Give the same name in the options of Worker.create and in TIDEMARK_TASK_QUEUE.',
    );
  const { namespace: own = 'default' } = options;
  if (own !== namespace)
    throw new PluginError(
      `The worker is in the namespace ${own}, and mailboxes are started in ${namespace}. ` +
        'Give the same name in the options of Worker.create and in TEMPORAL_NAMESPACE.',
    );
}

/** Refuses names that the product uses, too: its activity or sink would be replaced silently. */
function requireOwnNames({ activities = {}, sinks = {} }: WorkerOptions, ours: SyncActivities): void {
  // When the connection has the plugin, too, the worker gets its activities a second time.
  if (Object.getOwnPropertyDescriptor(activities, 'openMailbox')?.value === ours.openMailbox) return;
  const taken = Object.keys(ours).find((name) => Object.hasOwn(activities, name));
  if (taken !== undefined)
    throw new PluginError(
      `Tidemark has an activity named ${taken}, and the worker has one of its own. Rename the worker's.`,
    );
  if (Object.hasOwn(sinks, CLOCK_SINK))
    throw new PluginError(
      `Tidemark has a sink named ${CLOCK_SINK}, and the worker has one of its own. Rename the worker's.`,
    );
}

/**
 * One converter for the product and Tidemark. Two chains of codecs would be right only if every client and worker had
 * the same chain, which nobody could check here.
 */
function converterBeside(own: DataConverter | undefined, tidemark: DataConverter): DataConverter {
  if (tidemark.payloadCodecs === undefined) return own ?? {};
  // When the connection has the plugin, too, the worker gets its codecs a second time.
  if (own?.payloadCodecs === tidemark.payloadCodecs) return { ...own };
  if ((own?.payloadCodecs ?? []).length > 0 || own?.failureConverterPath !== undefined)
    throw new PluginError(
      'The data converter has codecs or a failure converter of its own, and TIDEMARK_PAYLOAD_KEY asks for those of ' +
        'Tidemark. Use only one of the two.',
    );
  return { ...own, ...tidemark };
}
