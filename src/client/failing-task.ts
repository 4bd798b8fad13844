import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defineSearchAttributeKey, type TypedSearchAttributes } from '@temporalio/common';

import { describedRun, type RunQuestion } from './described-run.ts';

/** A workflow task that keeps failing. The mailbox makes no progress, and signals wait behind the task. */
export interface FailingTask {
  /** Attempts so far, the current one included. The server starts to count again when a signal arrives. */
  readonly attempt: number;
}

/** A worker that dies or a server that restarts costs an attempt or two: more than that is a fault. */
const USUAL_ATTEMPTS = 2;

/**
 * After a signal the server counts attempts from one again. Its mark stays until a task succeeds, so a second command
 * sees that the task fails, too.
 *
 * @returns null when no task is pending, or its attempts are within what a restart costs
 */
export function failingTaskIn({
  raw,
  typedSearchAttributes,
}: Pick<WorkflowExecutionDescription, 'raw' | 'typedSearchAttributes'>): FailingTask | null {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  const isMarked = attempt > 0 && reportsProblems(typedSearchAttributes);
  return attempt > USUAL_ATTEMPTS || isMarked ? { attempt } : null;
}

/** @see https://docs.temporal.io/encyclopedia/detecting-workflow-failures */
const PROBLEMS_ATTRIBUTE = defineSearchAttributeKey('TemporalReportedProblems', 'KEYWORD_LIST');

/** Whether the server has marked a workflow whose tasks keep failing or timing out. */
export function reportsProblems(attributes: TypedSearchAttributes): boolean {
  return (attributes.get(PROBLEMS_ATTRIBUTE) ?? []).length > 0;
}

/** Asks the server for a mailbox's failing task. @returns null also when the mailbox does not run */
export async function failingTaskOf(question: RunQuestion): Promise<FailingTask | null> {
  const described = await describedRun(question);
  return described === null ? null : failingTaskIn(described);
}
