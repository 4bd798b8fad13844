import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';

import type { Clock } from '../model/clock.ts';
import type { Rpc } from './rpc.ts';

/** A poll lasts a minute, and a dead poller is listed for some minutes more: only a recent poll counts. */
const RECENT = 75_000;
const WORKFLOW_TASK_QUEUE = 1;

/** What it takes to ask whether a worker runs. */
export interface WorkerQuestion {
  readonly temporal: Client;
  readonly rpc: Rpc;
  readonly clock: Clock;
  readonly taskQueue: string;
}

/** Whether any worker has polled for workflows on this queue lately. */
export async function hasWorker(
  { temporal, rpc, clock, taskQueue }: WorkerQuestion,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return rpc({ signal }, () => hasRecentPoller({ temporal, taskQueue, now: clock.now() }));
}

/** @see https://docs.temporal.io/task-queue */
async function hasRecentPoller({
  temporal,
  taskQueue,
  now,
}: {
  temporal: Client;
  taskQueue: string;
  now: number;
}): Promise<boolean> {
  const described = await temporal.connection.workflowService.describeTaskQueue({
    namespace: temporal.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_TASK_QUEUE,
  });
  return (described.pollers ?? []).some(
    ({ lastAccessTime }) => lastAccessTime != null && now - tsToMs(lastAccessTime) < RECENT,
  );
}
