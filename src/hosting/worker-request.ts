import type { Worker, WorkerOptions } from '@temporalio/worker';

import type { SyncActivities } from '../activities/requests.ts';
import type { Config } from '../config/config.ts';
import type { Handlers } from '../deliveries/handler.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import type { Log } from '../host/log.ts';
import type { Clock } from '../model/clock.ts';
import type { ClockSkew } from '../model/clock-skew.ts';
import type { Telemetry } from '../model/telemetry.ts';

/** What a worker runs with. */
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
  /** Gives tokens in place of stored credentials, for a product that keeps them itself. Give all workers the same. */
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
