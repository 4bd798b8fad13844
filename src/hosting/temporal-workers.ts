import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';

import type { createDeliveryActivities } from '../activities/create-activities.ts';
import type { SyncActivities } from '../activities/requests.ts';
import { slicesPerSecond, smallSlicesPerSecond } from '../activities/slice-rate.ts';
import type { Config } from '../config/config.ts';
import { memoryLimit } from '../host/memory-limit.ts';
import type { ClockSkew } from '../model/clock-skew.ts';
import { clockSinks } from '../telemetry/watch-clock.ts';
import { bundleWorkflows } from '../temporal/bundle-workflows.ts';
import { dataConverterOf } from '../temporal/payload-codec.ts';
import { shippedBundle } from '../temporal/shipped-bundle.ts';
import {
  backfillQueueOf,
  deliveryQueueOf,
  smallSliceQueueOf,
  TASK_TIMEOUT,
  webhookQueueOf,
} from '../workflows/definitions.ts';
import { cachedWorkflows } from './cached-workflows.ts';
import type { DeliveryActivities, WorkerMeans } from './worker-means.ts';
import type { HostWorker, WorkerRequest } from './worker-request.ts';

/**
 * A cancellation reaches an activity with the answer to a heartbeat. By default, the SDK sends one heartbeat in half a
 * minute at most.
 */
const HEARTBEAT_THROTTLE = '2 seconds';
const FORCED_AFTER = '8 seconds';
const LIVE_SLOTS = 100;
/** Each slice holds some batches of messages in memory. */
const BACKFILL_SLOTS = 16;
/** A small slice holds one or two small batches. */
const SMALL_SLOTS = 32;
/** How many mailboxes deliver at a time. Most of them may be waiting for slow targets. */
const DELIVERY_SLOTS = 500;

/**
 * With a build id the worker is versioned. A mailbox lives for years, hence AUTO_UPGRADE: it moves to the current build
 * at its next workflow task. Replay tests and `patched()` make that safe.
 * https://docs.temporal.io/worker-versioning
 */
function versionOf({ deployment }: Config): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (deployment.buildId === null) return {};
  const version = { deploymentName: deployment.name, buildId: deployment.buildId };
  return { workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' } };
}

/**
 * How long a workflow task may compute; the SDK's own limit is five seconds. The SDK reads this option, although its
 * type does not have it.
 */
export const LONG_TASKS = { isolateExecutionTimeout: TASK_TIMEOUT } as const;

export const HEARTBEATS = {
  maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
} as const satisfies Partial<WorkerOptions>;

const SHARED = {
  ...HEARTBEATS,
  shutdownGraceTime: 0,
  shutdownForceTime: FORCED_AFTER,
} as const satisfies Partial<WorkerOptions>;

const LIVE = {
  ...LONG_TASKS,
  maxConcurrentActivityTaskExecutions: LIVE_SLOTS,
} as const;

/** @returns Temporal's workers by task queue; the host's own worker is not among them */
export async function createWorkers(
  { config, signal, workflowBundle }: WorkerRequest,
  { clock, tracing }: WorkerMeans,
  {
    skew,
    sync,
    deliveries,
    connection,
    host,
  }: {
    readonly skew: ClockSkew;
    readonly sync: SyncActivities;
    readonly deliveries: DeliveryActivities;
    readonly connection: NativeConnection;
    readonly host: HostWorker | null;
  },
): Promise<Readonly<Record<string, Worker>>> {
  const { taskQueue } = config;
  const shared = {
    ...SHARED,
    ...tracing?.workerOptions,
    sinks: { ...tracing?.workerOptions.sinks, ...clockSinks(skew) },
    ...(host?.version ?? versionOf(config)),
    connection,
    namespace: config.temporal.namespace,
    activities: sync,
    dataConverter: await dataConverterOf(config, clock),
  };
  const live =
    host === null
      ? await Worker.create({
          ...shared,
          workflowBundle: workflowBundle ?? (await bundleOf(config, { signal, traced: tracing !== null })),
          taskQueue,
          ...LIVE,
          maxCachedWorkflows: config.deployment.cachedMailboxes ?? cachedWorkflows(memoryLimit()),
        })
      : null;
  const delivering = (queue: string, activities: ReturnType<typeof createDeliveryActivities>): Promise<Worker> =>
    Worker.create({
      ...shared,
      activities,
      taskQueue: queue,
      maxConcurrentActivityTaskExecutions: DELIVERY_SLOTS,
    });
  const toWebhooks = webhookQueueOf(taskQueue);
  const toHandlers = deliveryQueueOf(taskQueue);
  return {
    ...(live === null ? {} : { [taskQueue]: live }),
    ...(await createSliceWorkers(shared, config)),
    [toWebhooks]: await delivering(toWebhooks, deliveries.webhooks),
    ...(deliveries.handlers === null ? {} : { [toHandlers]: await delivering(toHandlers, deliveries.handlers) }),
  };
}

/** The workers of slices. The server limits how many slices start in a second, over all workers of the queue. */
async function createSliceWorkers(
  shared: Omit<WorkerOptions, 'taskQueue'>,
  { quota, taskQueue }: Config,
): Promise<Readonly<Record<string, Worker>>> {
  const create = (queue: string, slots: number, startsPerSecond: number): Promise<Worker> =>
    Worker.create({
      ...shared,
      taskQueue: queue,
      maxConcurrentActivityTaskExecutions: slots,
      maxTaskQueueActivitiesPerSecond: startsPerSecond,
    });
  const slices = backfillQueueOf(taskQueue);
  const smallSlices = smallSliceQueueOf(taskQueue);
  return {
    [slices]: await create(slices, BACKFILL_SLOTS, slicesPerSecond(quota)),
    [smallSlices]: await create(smallSlices, SMALL_SLOTS, smallSlicesPerSecond(quota)),
  };
}

/** Bundles made ahead lack the interceptors that trace, so a worker that traces bundles the source itself. */
async function bundleOf(
  { deployment }: Config,
  options: { signal: AbortSignal | undefined; traced: boolean },
): Promise<{ readonly code: string } | { readonly codePath: string }> {
  if (options.traced) return bundleWorkflows(options);
  if (deployment.workflowBundle !== null) return { codePath: deployment.workflowBundle };
  return (await shippedBundle()) ?? bundleWorkflows(options);
}
