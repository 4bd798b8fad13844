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
  /** The configuration. When not given, `loadConfig()` reads it from the environment. */
  readonly config?: Config;
  /** Where the worker logs; JSON lines to stderr, from LOG_LEVEL on, unless given. */
  readonly log?: Log;
  /** Time and pauses; the system's clock unless given. */
  readonly clock?: Clock;
  /** Ends the wait for a server that does not answer yet. The error is the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Workflow code bundled ahead, which may also hold a product's own workflows. Without it, the worker uses the
   * configured bundle, or else the package's, or else bundles the source.
   */
  readonly workflowBundle?: { readonly code: string };
  /**
   * Functions that receive changes of mailboxes, by subscription name. The worker makes these subscriptions at its
   * start.
   */
  readonly handlers?: Handlers;
  /** Gives tokens in place of stored credentials, for a product that keeps its own. All workers need the same one. */
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
 * @throws {UsageError} when an option is unknown
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

/** A product's worker, which runs the mailboxes' workflows and live activities beside the product's own. */
export interface HostWorker {
  readonly worker: Worker;
  /** Settles when the worker's run has ended. The stores stay open until then. */
  readonly ended: Promise<void>;
  /** The worker's version, which the workers beside it share. */
  readonly version: Pick<WorkerOptions, 'workerDeploymentOptions'>;
  /** Called once the stores are open, before the workers beside it run. */
  readonly open: (parts: { readonly activities: SyncActivities; readonly skew: ClockSkew }) => void;
}
