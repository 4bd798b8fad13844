import type { Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import { TidemarkError } from '../model/tidemark-error.ts';
import { BuildNotReadyError } from './errors.ts';
import { GRPC_STATUS, grpcCodeOf } from './grpc-error.ts';
import { createRpc } from './rpc.ts';

export interface CurrentVersion {
  /** Name of the Worker Deployment. */
  readonly deploymentName: string;
  /** null gives the mailboxes to workers without a build id. */
  readonly buildId: string | null;
}

/** The server asks every task queue, one after the other, before it answers. */
const DEADLINE = 30_000;

/**
 * Makes a build the current one of a Worker Deployment: every mailbox moves to it at its next workflow task, and new
 * mailboxes start on it. To go back, call it with the older build.
 *
 * @throws {BuildNotReadyError} when no worker of the build polls the queues yet
 * @throws {TidemarkError} when the server does not answer, or refuses
 * @see https://docs.temporal.io/production-deployment/worker-deployments/worker-versioning
 */
export async function setCurrentVersion({
  temporal,
  address,
  clock,
  version,
}: {
  temporal: Client;
  address: string;
  clock: Clock;
  version: CurrentVersion;
}): Promise<void> {
  const rpc = createRpc({ temporal, address, clock });
  const { deploymentName, buildId } = version;
  try {
    await rpc({ deadline: DEADLINE }, () =>
      temporal.connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace: temporal.options.namespace,
        deploymentName,
        buildId: buildId ?? '',
        identity: temporal.options.identity,
      }),
    );
  } catch (error) {
    const code = grpcCodeOf(error);
    const notReady =
      error instanceof TidemarkError && (code === GRPC_STATUS.notFound || code === GRPC_STATUS.failedPrecondition);
    throw notReady ? new BuildNotReadyError(version, { cause: error }) : error;
  }
}
