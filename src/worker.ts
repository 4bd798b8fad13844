import { IllegalStateError } from '@temporalio/common';
import type { NativeConnection, Worker } from '@temporalio/worker';

import { createActivities } from './activities/create-activities.ts';
import { keepHouse } from './app/housekeeping.ts';
import { keepSearchAttributes } from './client/register-search-attributes.ts';
import { mailboxWaker, wakeDeliveries } from './client/wake-deliveries.ts';
import { loadConfig, type Config } from './config/config.ts';
import { createLog, type Log } from './host/log.ts';
import { createWorkers } from './hosting/temporal-workers.ts';
import { deliveryActivitiesOf, dependenciesOf, openMeans, type WorkerMeans } from './hosting/worker-means.ts';
import { endOf, whyFailed } from './hosting/worker-run.ts';
import { requestOf, type CreateWorkerOptions, type HostWorker, type WorkerRequest } from './hosting/worker-request.ts';
import type { Clock } from './model/clock.ts';
import { installMissingRuntime, installRuntime } from './telemetry/runtime.ts';
import { watchClock } from './telemetry/watch-clock.ts';
import { watchWorker } from './telemetry/watch-worker.ts';
import { temporalAddressOf } from './temporal/connect.ts';
import { connectPatiently } from './temporal/connect-patiently.ts';

/** A worker that runs. */
export interface RunningWorker {
  /**
   * Resolves when the worker has ended after {@link RunningWorker.stop}; rejects when a part of it failed, which ends
   * all of it: with `ServerRefusedError` or `NamespaceNotFoundError` when Temporal refuses it, with
   * `TemporalFailureError` when one of Temporal's workers failed otherwise.
   */
  readonly ended: Promise<void>;
  /**
   * Polls for no more work, cancels activities (each may be cut off at any point), and ends within 10 seconds.
   *
   * @throws what the worker failed with, if it has failed
   */
  stop(): Promise<void>;
}

/**
 * Runs a worker in this process. It opens the database, waits for the Temporal server, and runs Temporal's workers: one
 * for workflows and live activities, one for the backfill, one for webhooks and, where there are handlers, one for
 * deliveries to them. Temporal's runtime is installed where the program has none.
 *
 * @param options - what it runs with; by default the environment's configuration, and no handlers
 * @returns the worker that runs; stop it in the end
 * @throws {ConfigError} when no configuration is given, and the environment holds wrong values
 * @throws {UsageError} when an option is unknown
 * @throws {InvalidSubscriptionError} when a handler is described wrongly
 * @throws {InvalidIdError} when a mailbox in a handler's filter is not an e-mail address
 * @throws {InvalidCursorError | CursorAheadError | FeedReplacedError | CursorPrunedError} when a handler is new, and
 * the cursor of its beginning is no place to go on from
 * @throws {StoreError | SecretKeyError} when the database or the keys cannot be used
 * @throws the signal's reason when it aborts before the workers run
 * @example
 * const worker = await createWorker({
 *   handlers: {
 *     crm: {
 *       filter: { kinds: ['stored'], labels: ['INBOX'] },
 *       async handle(changes, { message }) {
 *         for (const { messageId } of changes) console.log({ subject: (await message(messageId))?.subject });
 *       },
 *     },
 *   },
 * });
 * process.once('SIGTERM', () => worker.stop());
 * await worker.ended;
 */
export async function createWorker(options: CreateWorkerOptions = {}): Promise<RunningWorker> {
  const request = requestOf('createWorker', options);
  const runtime = installMissingRuntime(request.log, request.config.telemetry);
  try {
    return await runWorker(request);
  } catch (error) {
    // A runtime that never had a worker would keep the process alive.
    await runtime?.shutdown();
    throw error;
  }
}

/**
 * Opens the stores, waits for the Temporal server, and runs Temporal's workers: one for workflows and live activities,
 * one for the backfill, one for webhooks and, where there are handlers, one for deliveries to them. The caller has
 * installed the runtime. See {@link createWorker} for what it throws.
 */
export function runWorker(request: WorkerRequest): Promise<RunningWorker> {
  return run(request, null);
}

/**
 * Runs beside a product's own worker, the host, everything that {@link runWorker} runs except the worker for workflows
 * and live activities. The host does that work, and the caller runs the host.
 */
export function runBeside(request: WorkerRequest, host: HostWorker): Promise<RunningWorker> {
  return run(request, host);
}

async function run(request: WorkerRequest, host: HostWorker | null): Promise<RunningWorker> {
  const { config, log, signal } = request;
  const means = await openMeans(request);
  const { clock, telemetry, tracing, stores } = means;
  const closing = [
    () => means.network.close(),
    () => means.webhooks.close(),
    () => means.closeDatabase(),
    async () => tracing?.flush(),
  ];
  const closeAll = async (): Promise<void> => {
    // A part that cannot be closed must neither leave the others open nor hide an error of the worker.
    for (const close of closing)
      await close().catch((error: unknown) => log.warn({ error }, 'the worker left something open'));
  };
  try {
    const watch = await watchWorker({ config, telemetry, store: stores.store, clock, log });
    closing.unshift(() => watch.close());
    const skew = watchClock({ clock, telemetry, log });
    const deps = dependenciesOf(request, means, skew);
    const sync = createActivities(deps);
    const deliveries = await deliveryActivitiesOf(request, means, deps);
    const connection = await connectPatiently({ config, log, clock, signal });
    // The watch uses the connection, so the connection closes after it.
    closing.splice(1, 0, () => closeConnection(connection));
    const workers = await createWorkers(request, means, { skew, sync, deliveries, connection, host });
    host?.open({ activities: sync, skew });
    closing.unshift(keepInOrder(request, means, connection));
    log.info(
      { taskQueue: config.taskQueue, temporal: temporalAddressOf(config), buildId: config.deployment.buildId },
      'worker runs',
    );
    const polling = host === null ? workers : { ...workers, [config.taskQueue]: host.worker };
    watch.running({ connection, workers: polling, activities: [...Object.keys(sync), 'deliver'] });
    return running(Object.values(workers), host, {
      clock,
      draining: () => watch.draining(),
      whyFailed: (error) => whyFailed(error, { config, clock, connection }),
      closeAll,
    });
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/**
 * Keeps the store tidy and the search attributes registered while the worker runs, and wakes mailboxes that a handler
 * waits for.
 *
 * @returns a function that ends all of this
 */
function keepInOrder(
  { config, log, handlers = {} }: WorkerRequest,
  { clock, googleClock, stores }: WorkerMeans,
  connection: NativeConnection,
): () => Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  const { goneGrace, sweepGrace } = config.bodies;
  const { namespace } = config.temporal;
  const { changesKept } = config.database;
  const graces = { goneGrace, sweepGrace, changesKept };
  const kept = keepHouse({ store: stores.store, ...graces, clock: googleClock, log, signal });
  const known = keepSearchAttributes({ connection, namespace, clock, signal });
  const woken =
    Object.keys(handlers).length === 0
      ? null
      : wakeDeliveries({
          store: stores.store,
          clock,
          target: 'handler',
          wake: mailboxWaker({ connection, namespace }, 'handler'),
          signal,
        }).catch((error: unknown) => {
          if (!signal.aborted)
            log.warn({ error }, 'not every mailbox could be woken: those left deliver with their next sync');
        });
  return async () => {
    ended.abort();
    await Promise.all([kept, known, woken]);
  };
}

/** Temporal's SDK refuses to close a connection that is held by a worker which failed and never ends. */
async function closeConnection(connection: NativeConnection): Promise<void> {
  try {
    await connection.close();
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}

interface RunningMeans {
  readonly clock: Clock;
  readonly draining: () => void;
  readonly whyFailed: (error: unknown) => Promise<unknown>;
  readonly closeAll: () => Promise<void>;
}

/** When one worker fails, the others are stopped: otherwise they would accept work that only all of them can finish. */
function running(
  workers: readonly Worker[],
  host: HostWorker | null,
  { clock, draining, whyFailed: explain, closeAll }: RunningMeans,
): RunningWorker {
  const stopAll = (): void => {
    for (const worker of host === null ? workers : [...workers, host.worker])
      if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const runs = [
    ...workers.map((worker) => endOf(worker, worker.run(), clock)),
    ...(host === null ? [] : [host.ended]),
  ].map((run) => run.finally(stopAll));
  const ended = Promise.allSettled(runs).then(async (results) => {
    const failed = results.find((result) => result.status === 'rejected');
    const failure = failed === undefined ? null : { error: await explain(failed.reason) };
    await closeAll();
    if (failure !== null) throw failure.error;
  });
  // Prevents an unhandled rejection when the caller ignores `ended`.
  ended.catch(() => undefined);
  return {
    ended,
    stop: async () => {
      draining();
      stopAll();
      await ended;
    },
  };
}

/** Runs a worker until SIGTERM or SIGINT. @returns the exit code */
export async function workerMain({ config, log }: { config: Config; log: Log }): Promise<number> {
  const runtime = installRuntime(log, config.telemetry);
  const aborted = new AbortController();
  let worker: RunningWorker | null = null;
  const stop = (): void => {
    log.info('stopping: activities under way are cut off, and continue on the next worker');
    aborted.abort();
    void worker?.stop().catch(() => undefined);
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  try {
    worker = await runWorker({ config, log, signal: aborted.signal });
    if (aborted.signal.aborted) await worker.stop();
    await worker.ended;
  } catch (error) {
    if (!aborted.signal.aborted) throw error;
  } finally {
    // A runtime that never had a worker would keep the process alive.
    await runtime.shutdown();
  }
  log.info('worker ended');
  return 0;
}

if (import.meta.main) {
  const config = loadConfig();
  const log = createLog(config.logLevel);
  const exitCode = await workerMain({ config, log }).catch((error: unknown) => {
    log.fatal({ error }, 'worker failed');
    return 1;
  });
  // One of Temporal's workers that failed and never ends would keep the process alive.
  process.exit(exitCode);
}
