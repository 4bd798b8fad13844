import type { Worker, WorkerOptions } from '@temporalio/worker';

import type { SyncActivities } from '../activities/requests.ts';
import { loadConfig, requireConfig, type Config } from '../config/config.ts';
import type { Handlers } from '../deliveries/handler.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import { createLog, type Log } from '../host/log.ts';
import type { Clock } from '../model/clock.ts';
import type { ClockSkew } from '../model/clock-skew.ts';
import { knownOptions, type OptionNames } from '../model/options.ts';
import { UsageError } from '../model/program-errors.ts';
import type { Telemetry } from '../model/telemetry.ts';

/** What a worker runs with. */
export interface CreateWorkerOptions {
  /** What `loadConfig()` reads from the environment, unless given. */
  readonly config?: Config;
  /** Where it logs; lines of JSON to stderr, from LOG_LEVEL on, unless given. */
  readonly log?: Log;
  /** Time and pauses; the system's clock unless given. */
  readonly clock?: Clock;
  /** Ends the wait for a server that does not answer yet, with its reason as the error. */
  readonly signal?: AbortSignal;
  /**
   * Workflow code bundled ahead, such as one that holds a product's own workflows, too. Without it: the configured
   * bundle, or the package's, or the source, bundled now.
   */
  readonly workflowBundle?: { readonly code: string };
  /** Called with changes of mailboxes, by the names of their subscriptions, which are made when the worker starts. */
  readonly handlers?: Handlers;
  /** Gives tokens in place of stored credentials, for a product that keeps them itself. Give all workers the same. */
  readonly tokenProvider?: TokenProvider;
  /** Where metrics and spans go; without it, where METRICS_ADDRESS and OTEL_* say. */
  readonly telemetry?: Telemetry;
}

/** The options, complete. */
export interface WorkerRequest extends CreateWorkerOptions {
  readonly config: Config;
  readonly log: Log;
}

const OPTIONS: OptionNames<CreateWorkerOptions> = {
  config: true,
  log: true,
  clock: true,
  signal: true,
  workflowBundle: true,
  handlers: true,
  tokenProvider: true,
  telemetry: true,
};

/**
 * @param of - the function that takes the options
 * @throws {ConfigError} when no configuration is given, and the environment holds wrong values
 * @throws {UsageError} when it has an option that there is not
 */
export function requestOf(of: string, asked: CreateWorkerOptions): WorkerRequest {
  const { config = loadConfig(), ...options } = knownOptions(of, asked, OPTIONS);
  const { handlers = {}, tokenProvider } = options;
  if (typeof handlers !== 'object' || Array.isArray(handlers))
    throw new UsageError('The handlers are an object: each has the name of its subscription.');
  if (tokenProvider !== undefined && typeof tokenProvider !== 'function')
    throw new UsageError('The tokenProvider is no function.');
  requireConfig(config);
  return { ...options, config, log: options.log ?? createLog(config.logLevel) };
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
