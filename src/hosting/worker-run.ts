import { IllegalStateError } from '@temporalio/common';
import { TransportError, type NativeConnection, type Worker } from '@temporalio/worker';

import { NamespaceNotFoundError, TemporalFailureError } from '../client/errors.ts';
import { toTidemarkError } from '../client/temporal-errors.ts';
import { GRPC_STATUS, grpcCodeOf } from '../client/grpc-error.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import { temporalAddressOf } from '../temporal/connect.ts';

const LOOK_EVERY = 1_000;
/** A failed worker that can still end does so long before this many looks. */
const LOOKS = 5;
const CALL_DEADLINE = 5_000;

/**
 * Waits for the end of a worker's run, and does not hang where the run never ends: when Temporal refuses the polls for
 * activities, the SDK's worker fails, and then waits forever for its native part.
 *
 * @throws what the run rejects with, or an error that only says that the worker failed
 */
export async function endOf(worker: Worker, run: Promise<void>, clock: Clock): Promise<void> {
  const over = new AbortController();
  const stuck = failedForLong(worker, clock, over.signal).then(() => {
    throw new TemporalFailureError(
      `Temporal's worker for the task queue ${worker.options.taskQueue} failed. ` +
        'The log of Temporal\'s runtime says why, under "Worker failed".',
    );
  });
  try {
    await Promise.race([run, stuck]);
  } finally {
    over.abort();
    stuck.catch(() => undefined);
  }
}

async function failedForLong(worker: Worker, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let looks = 0; looks < LOOKS;) {
    await clock.sleep(LOOK_EVERY, signal);
    if (worker.getState() === 'FAILED') looks += 1;
  }
}

/**
 * Asks Temporal why a worker failed: the namespace may be gone, or access refused. The SDK's own error often hides
 * this.
 */
export async function whyFailed(
  error: unknown,
  { config, clock, connection }: { config: Config; clock: Clock; connection: NativeConnection },
): Promise<unknown> {
  const isOfPolls = error instanceof TransportError || error instanceof TemporalFailureError;
  if (!isOfPolls && !(error instanceof IllegalStateError)) return error;
  const { namespace } = config.temporal;
  try {
    await connection.withDeadline(clock.now() + CALL_DEADLINE, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return isOfPolls ? error : new TemporalFailureError("One of Temporal's workers failed.", { cause: error });
  } catch (refusal) {
    if (grpcCodeOf(refusal) === GRPC_STATUS.notFound) return new NamespaceNotFoundError(namespace, { cause: refusal });
    return toTidemarkError(refusal, { address: temporalAddressOf(config), namespace });
  }
}
