import type { WorkflowExecutionDescription } from '@temporalio/client';

import { describedRun, type RunQuestion } from './described-run.ts';

/** A workflow task that keeps failing. The mailbox makes no progress, and signals wait behind the task. */
export interface FailingTask {
  /** Attempts so far, the current one included. The server starts to count again when a signal arrives. */
  readonly attempt: number;
}

/** A worker that dies or a server that restarts costs an attempt or two: more than that is a fault. */
const USUAL_ATTEMPTS = 2;

/** @returns null when no task is pending, or its attempts are within what a restart costs */
export function failingTaskIn({ raw }: Pick<WorkflowExecutionDescription, 'raw'>): FailingTask | null {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  return attempt > USUAL_ATTEMPTS ? { attempt } : null;
}

/** Asks the server for a mailbox's failing task. @returns null also when the mailbox does not run */
export async function failingTaskOf(question: RunQuestion): Promise<FailingTask | null> {
  const described = await describedRun(question);
  return described === null ? null : failingTaskIn(described);
}
