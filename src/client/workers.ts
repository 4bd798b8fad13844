import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';

/** A poll lasts a minute, and a dead poller is listed for some minutes more: only a recent poll counts. */
const RECENT = 75_000;
const WORKFLOW_TASK_QUEUE = 1;

/** Whether any worker polls for workflows on this queue. https://docs.temporal.io/task-queue */
export async function hasRecentPoller({
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
