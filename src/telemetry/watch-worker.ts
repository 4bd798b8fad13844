import { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';

import { countPhases } from '../client/phase-counts.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../host/log.ts';
import type { Clock } from '../model/clock.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { StoreLife } from '../store/mailbox-store.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import { beginAtZero } from './begin-at-zero.ts';
import { startHealthServer } from './health-server.ts';
import { observeMailboxes } from './observe.ts';
import { WorkerHealth, type PollingWorker } from './worker-health.ts';

export interface WatchOptions {
  readonly config: Pick<Config, 'telemetry' | 'temporal'>;
  readonly telemetry: Telemetry;
  readonly store: WorkStore & StoreLife;
  readonly clock: Clock;
  readonly log: Log;
}

export interface WorkerParts {
  readonly connection: NativeConnection;
  /** Temporal's workers by task queue. */
  readonly workers: Readonly<Record<string, PollingWorker>>;
  /** Names of the activities that the workers run. */
  readonly activities: readonly string[];
}

/** Reports on a worker process: its health, and counts of mailboxes and messages. */
export interface WorkerWatch {
  /** Temporal's workers are about to poll. */
  running(parts: WorkerParts): void;
  /** The worker is stopping and accepts no more work. */
  draining(): void;
  close(): Promise<void>;
}

/** Milliseconds after which a call to Temporal is abandoned. */
const CALL_DEADLINE = 5_000;

/** @throws {Error} when HEALTH_ADDRESS cannot be listened on */
export async function watchWorker({ config, telemetry, store, clock, log }: WatchOptions): Promise<WorkerWatch> {
  const { healthAddress, metricsAddress, metricsInterval } = config.telemetry;
  const health = new WorkerHealth(clock, (source, error) =>
    log.warn({ source, error }, 'what the worker needs does not answer as it should: not ready'),
  );
  const server = healthAddress === null ? null : await startHealthServer({ address: healthAddress, source: health });
  if (server !== null) log.info({ address: server.authority }, 'health is served');
  const closed = new AbortController();
  let observation: Promise<void> = Promise.resolve();
  return {
    running: ({ connection, workers, activities }) => {
      beginAtZero(telemetry, activities);
      const soon = <Result>(call: () => Promise<Result>): Promise<Result> =>
        connection.withDeadline(clock.now() + CALL_DEADLINE, call);
      health.run({
        workers,
        checks: {
          Temporal: () => soon(() => connection.workflowService.getSystemInfo({})),
          store: () => store.check(),
        },
      });
      if (metricsAddress === null) return;
      const temporal = new Client({ connection, namespace: config.temporal.namespace });
      observation = observeMailboxes({
        telemetry,
        clock,
        interval: metricsInterval,
        countPhases: () => soon(() => countPhases(temporal)),
        countWork: () => store.countWork(),
        onFailure: (source, error) => log.warn({ source, error }, 'mailboxes could not be counted; trying again'),
        signal: closed.signal,
      });
    },
    draining: () => health.drain(),
    close: async () => {
      closed.abort();
      await observation;
      await server?.close();
    },
  };
}
