import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';

import { createActivities, createDeliveryActivities, type WorkerDependencies } from './activities/create-activities.ts';
import type { SyncActivities } from './activities/requests.ts';
import { slicesPerSecond } from './activities/slice-rate.ts';
import { createSessionFactory } from './activities/sessions.ts';
import { bundleWorkflows } from './temporal/bundle-workflows.ts';
import { shippedBundle } from './temporal/shipped-bundle.ts';
import { mailboxWaker, wakeDeliveries } from './client/wake-deliveries.ts';
import { keepSearchAttributes } from './client/register-search-attributes.ts';
import { loadConfig, type Config } from './config/config.ts';
import { AccessRevokedError, type TokenProvider } from './gmail/access/token-provider.ts';
import { withDates } from './gmail/api/gmail-date.ts';
import { GoogleClock } from './gmail/api/google-clock.ts';
import { createUndiciTransport } from './gmail/api/undici-transport.ts';
import { openDatabase } from './app/open-database.ts';
import { DeliverySlots } from './deliveries/delivery-slots.ts';
import { handlerTargets } from './deliveries/handler-target.ts';
import { webhookTargets } from './deliveries/webhook-target.ts';
import { createWebhookSender, type WebhookSender } from './deliveries/webhooks/send-webhook.ts';
import { readWebhookSecrets } from './deliveries/webhooks/stored-secrets.ts';
import type { Handlers } from './deliveries/handler.ts';
import { registerHandlers } from './deliveries/register-handlers.ts';
import type { Reader } from './reading/open-reader.ts';
import { keepHouse } from './app/housekeeping.ts';
import { createLog, type Log } from './host/log.ts';
import type { Clock } from './model/clock.ts';
import type { ClockSkew } from './model/clock-skew.ts';
import type { Telemetry } from './model/telemetry.ts';
import { temporalAddressOf } from './temporal/connect.ts';
import { connectPatiently } from './temporal/connect-patiently.ts';
import { secretKeysOf } from './storage/open-secret-keys.ts';
import { priceTableOf } from './config/quota-variables.ts';
import { configFor } from './config/running-start.ts';
import type { Stores } from './store/open-store.ts';
import { dataConverterOf } from './temporal/payload-codec.ts';
import { hostInPlainText } from './model/database-location.ts';
import { systemClock } from './host/system-clock.ts';
import { openTracing, type Tracing } from './telemetry/open-tracing.ts';
import { installRuntime, telemetryOf } from './telemetry/runtime.ts';
import { clockSinks, watchClock } from './telemetry/watch-clock.ts';
import { watchWorker } from './telemetry/watch-worker.ts';
import { backfillQueueOf, deliveryQueueOf, webhookQueueOf } from './workflows/definitions.ts';

export interface WorkerRequest {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  /** Ends the wait for a server that does not answer yet. */
  readonly signal?: AbortSignal;
  /**
   * Workflow code bundled ahead, such as one that holds a product's own workflows, too. Without it: the configured
   * bundle, or the package's, or the source, bundled now.
   */
  readonly workflowBundle?: { readonly code: string };
  /** Called with changes of mailboxes, by the names of their subscriptions, which are made when the worker starts. */
  readonly handlers?: Handlers;
  /** Gives tokens in place of stored credentials, for a product that keeps Google's tokens itself. */
  readonly tokenProvider?: TokenProvider;
  /** Where metrics and spans go; without it, where METRICS_ADDRESS and OTEL_* say. */
  readonly telemetry?: Telemetry;
}

/** A worker of a product's own, which runs the workflows and the live activities of mailboxes beside its own. */
export interface HostWorker {
  readonly worker: Worker;
  /** Its run. The stores stay open until it has ended. */
  readonly ended: Promise<void>;
  /** What the worker's version is, so that the workers beside it have the same. */
  readonly version: Pick<WorkerOptions, 'workerDeploymentOptions'>;
  /** Called once the stores are open, before the workers beside it run. */
  readonly open: (parts: { readonly activities: SyncActivities; readonly skew: ClockSkew }) => void;
}

export interface RunningWorker {
  /** Resolves when the worker has ended after {@link RunningWorker.stop}; rejects when it failed. */
  readonly ended: Promise<void>;
  /** Polls for no more work, cancels activities (each may be cut off at any point), and ends within 10 seconds. */
  stop(): Promise<void>;
}

/** A cached workflow takes 0.1 to 0.3 MB. An evicted one is replayed when it wakes. */
const MAX_CACHED_WORKFLOWS = 300;
/**
 * A cancellation reaches an activity with the answer to a heartbeat, which the SDK's default throttles to one in half a
 * minute.
 */
const HEARTBEAT_THROTTLE = '2 seconds';
const FORCED_AFTER = '8 seconds';
const LIVE_SLOTS = 100;
/** Each slice holds some batches of messages in memory. */
const BACKFILL_SLOTS = 16;
/** Mailboxes that deliver at a time, most of which may wait for slow targets. */
const DELIVERY_SLOTS = 500;

/**
 * With a build id the worker is versioned. A mailbox lives for years, hence AUTO_UPGRADE: at its next workflow task it
 * moves to the build that is current. Replay tests and `patched()` make that safe.
 * https://docs.temporal.io/worker-versioning
 */
function versionOf({ deployment }: Config): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (deployment.buildId === null) return {};
  const version = { deploymentName: deployment.name, buildId: deployment.buildId };
  return { workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' } };
}

export const HEARTBEATS = {
  maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
} as const satisfies Partial<WorkerOptions>;

const SHARED = {
  ...HEARTBEATS,
  shutdownGraceTime: 0,
  shutdownForceTime: FORCED_AFTER,
} as const satisfies Partial<WorkerOptions>;

function warnOfPlainText({ database: { location } }: Config, log: Log): void {
  const host = location.kind === 'postgres' ? hostInPlainText(location) : null;
  if (host !== null)
    log.warn(
      { host },
      'the connection to PostgreSQL is not encrypted: add ?sslmode=verify-full to DATABASE_URL, ' +
        'or ?sslmode=disable where the network is trusted',
    );
}

/**
 * Opens the stores, waits for the Temporal server, and runs Temporal's workers: one for workflows and live activities,
 * one for the backfill, one for webhooks and, where there are handlers, one for deliveries to them.
 *
 * @throws {InvalidSubscriptionError} when a handler is described wrongly
 * @throws {StoreError | SecretKeyError} when the stores cannot be used
 * @throws the signal's reason when it aborts before the workers run
 */
export function runWorker(request: WorkerRequest): Promise<RunningWorker> {
  return run(request, null);
}

/**
 * Does for a product's own worker what {@link runWorker} does, without a worker for workflows and live activities. The
 * caller runs the host.
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
    for (const close of closing) await close();
  };
  try {
    const watch = await watchWorker({ config, telemetry, store: stores.store, clock, log });
    closing.unshift(() => watch.close());
    const skew = watchClock({ clock, telemetry, log });
    const deps = dependenciesOf(request, means, skew);
    const sync = createActivities(deps);
    const deliveries = await deliveriesOf(request, means, deps);
    const connection = await connectPatiently({ config, log, clock, signal });
    // The watch uses the connection, so the connection closes after it.
    closing.splice(1, 0, () => connection.close());
    const workers = await createWorkers(request, means, { skew, sync, deliveries, connection, host });
    host?.open({ activities: sync, skew });
    closing.unshift(keepInOrder(request, means, connection));
    log.info(
      { taskQueue: config.taskQueue, temporal: temporalAddressOf(config), buildId: config.deployment.buildId },
      'worker runs',
    );
    const polling = host === null ? workers : { ...workers, [config.taskQueue]: host.worker };
    watch.running({ connection, workers: polling, activities: [...Object.keys(sync), 'deliver'] });
    return running(Object.values(workers), host, { draining: () => watch.draining(), closeAll });
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** What a worker works with. */
interface Means {
  readonly clock: Clock;
  /** The clock of activities and housekeeping, once Google has answered. */
  readonly googleClock: GoogleClock;
  readonly tracing: Tracing | null;
  readonly telemetry: Telemetry;
  readonly secretKeys: Awaited<ReturnType<typeof secretKeysOf>>;
  readonly stores: Stores;
  readonly reader: Reader;
  readonly closeDatabase: () => Promise<void>;
  readonly network: ReturnType<typeof createUndiciTransport>;
  readonly webhooks: WebhookSender;
}

async function openMeans({ config, log, clock = systemClock, telemetry }: WorkerRequest): Promise<Means> {
  const tracing = await openTracing(config.tracing);
  const secretKeys = await secretKeysOf(config, clock);
  const database = await openDatabase(config);
  warnOfPlainText(config, log);
  return {
    clock,
    googleClock: new GoogleClock(clock, () => performance.now()),
    tracing,
    telemetry: telemetry ?? {
      ...telemetryOf(config.telemetry),
      ...(tracing === null ? {} : { span: tracing.span }),
    },
    secretKeys,
    stores: database.stores,
    reader: database.reader,
    closeDatabase: () => database.close(),
    network: createUndiciTransport(),
    webhooks: createWebhookSender({ clock, allowedNetworks: config.webhooks.allowedNetworks }),
  };
}

/** The activities of deliveries: those to webhooks, and those to handlers where the worker has some. */
interface Deliveries {
  readonly webhooks: ReturnType<typeof createDeliveryActivities>;
  readonly handlers: ReturnType<typeof createDeliveryActivities> | null;
}

function dependenciesOf(
  { config, log, tokenProvider }: WorkerRequest,
  { googleClock, telemetry, secretKeys, stores, network }: Means,
  skew: ClockSkew,
): WorkerDependencies {
  const shared = { prices: priceTableOf(config), userShare: config.quota.userShare, clock: googleClock, telemetry };
  const openSession = createSessionFactory({
    ...stores,
    ...shared,
    secretKeys,
    tokenProvider: tokenProvider === undefined ? undefined : logged(tokenProvider, log),
    transport: withDates(network.transport, (date) => {
      googleClock.hear(date);
      skew.seen('gmail', date);
    }),
    // The mailbox that npm start simulates in another process has its Gmail there.
    googleOf: (mailbox) => {
      const { gmailRootUrl, googleTokenUrl } = configFor(config, mailbox);
      return { rootUrl: gmailRootUrl, tokenUrl: googleTokenUrl };
    },
  });
  return { ...shared, store: stores.store, openSession, pushTopic: config.push.topic, skew };
}

/** Logs what the provider throws: its text may hold secrets, so it goes neither into the database nor to Temporal. */
function logged(provider: TokenProvider, log: Log): TokenProvider {
  return async (mailbox, request) => {
    try {
      return await provider(mailbox, request);
    } catch (error) {
      if (!(error instanceof AccessRevokedError) && !request.signal.aborted)
        log.warn({ mailbox, error }, 'the token provider failed; it is asked again');
      throw error;
    }
  };
}

/** Makes the subscriptions of the handlers. A worker without handlers leaves those of others to them. */
async function deliveriesOf(
  { handlers = {} }: WorkerRequest,
  { reader, telemetry, stores, secretKeys: keys, webhooks: sender, googleClock: clock }: Means,
  deps: WorkerDependencies,
): Promise<Deliveries> {
  const { store, credentials, database } = stores;
  const means = { store, clock, reader, telemetry, slots: new DeliverySlots() };
  const secretsOf = (subscription: string) => readWebhookSecrets({ credentials, keys }, subscription);
  const webhooks = createDeliveryActivities(deps, {
    ...means,
    to: 'webhook',
    targetOf: webhookTargets({ ...means, sender, secretsOf }),
  });
  if (Object.keys(handlers).length === 0) return { webhooks, handlers: null };
  await registerHandlers({ store, clock, handlers, isPostgres: database.dialect.name === 'postgres' });
  const targetOf = handlerTargets(means, handlers);
  return { webhooks, handlers: createDeliveryActivities(deps, { ...means, to: 'handler', targetOf }) };
}

/** @returns Temporal's workers by task queue, without a host's */
async function createWorkers(
  { config, signal, workflowBundle }: WorkerRequest,
  { clock, tracing }: Means,
  {
    skew,
    sync,
    deliveries,
    connection,
    host,
  }: {
    readonly skew: ClockSkew;
    readonly sync: SyncActivities;
    readonly deliveries: Deliveries;
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
          maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
          maxConcurrentActivityTaskExecutions: LIVE_SLOTS,
        })
      : null;
  const backfill = await Worker.create({
    ...shared,
    taskQueue: backfillQueueOf(taskQueue),
    maxConcurrentActivityTaskExecutions: BACKFILL_SLOTS,
    maxTaskQueueActivitiesPerSecond: slicesPerSecond(priceTableOf(config)),
  });
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
    [backfillQueueOf(taskQueue)]: backfill,
    [toWebhooks]: await delivering(toWebhooks, deliveries.webhooks),
    ...(deliveries.handlers === null ? {} : { [toHandlers]: await delivering(toHandlers, deliveries.handlers) }),
  };
}

/**
 * Keeps the store tidy and the search attributes registered while the worker runs, and wakes mailboxes that a handler
 * waits for.
 *
 * @returns ends all of it
 */
function keepInOrder(
  { config, log, handlers = {} }: WorkerRequest,
  { clock, googleClock, stores }: Means,
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
            log.warn({ error }, 'not every mailbox could be woken: they deliver with their next sync');
        });
  return async () => {
    ended.abort();
    await Promise.all([kept, known, woken]);
  };
}

/** Bundles made ahead have no interceptors, so a worker that traces makes its own. */
async function bundleOf(
  { deployment }: Config,
  options: { signal: AbortSignal | undefined; traced: boolean },
): Promise<{ readonly code: string } | { readonly codePath: string }> {
  if (options.traced) return bundleWorkflows(options);
  if (deployment.workflowBundle !== null) return { codePath: deployment.workflowBundle };
  return (await shippedBundle()) ?? bundleWorkflows(options);
}

/** When one worker fails the others are stopped: alone they would accept work that only all of them can finish. */
function running(
  workers: readonly Worker[],
  host: HostWorker | null,
  { draining, closeAll }: { draining: () => void; closeAll: () => Promise<void> },
): RunningWorker {
  const stopAll = (): void => {
    for (const worker of host === null ? workers : [...workers, host.worker])
      if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const runs = [...workers.map((worker) => worker.run()), ...(host === null ? [] : [host.ended])].map((run) =>
    run.finally(stopAll),
  );
  const ended = Promise.allSettled(runs).then(async (results) => {
    await closeAll();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
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
  process.exitCode = await workerMain({ config, log }).catch((error: unknown) => {
    log.fatal({ error }, 'worker failed');
    return 1;
  });
}
