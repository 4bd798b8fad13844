import type { Client, WorkflowExecutionDescription } from '@temporalio/client';

import type { MailboxId } from '../model/ids.ts';
import { workflowIdOf } from '../workflows/definitions.ts';
import { MailboxNotRunningError } from './errors.ts';
import type { Rpc } from './rpc.ts';

/** A workflow task that workers tried again and again in vain: nothing of the mailbox goes on, and signals wait behind it. */
export interface FailingTask {
  /** Tries since something last happened to the workflow, the present one included: a signal makes the server count anew. */
  readonly attempt: number;
}

/** A worker that dies, or a server that restarts, costs an attempt or two. */
const USUAL_ATTEMPTS = 2;

/** @returns null while the workflow's task is none, or is tried as often as happens in health */
export function failingTaskIn({ raw }: Pick<WorkflowExecutionDescription, 'raw'>): FailingTask | null {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  return attempt > USUAL_ATTEMPTS ? { attempt } : null;
}

/** The same, asked of the server. A mailbox that does not run has none. */
export async function failingTaskOf({ temporal, rpc, mailbox }: { temporal: Client; rpc: Rpc; mailbox: MailboxId }): Promise<FailingTask | null> {
  try {
    return failingTaskIn(await rpc({ mailbox }, () => temporal.workflow.getHandle(workflowIdOf(mailbox)).describe()));
  } catch (error) {
    if (error instanceof MailboxNotRunningError) return null;
    throw error;
  }
}
