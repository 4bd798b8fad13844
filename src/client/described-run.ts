import type { Client, WorkflowExecutionDescription } from '@temporalio/client';

import type { MailboxId } from '../model/ids.ts';
import { workflowIdOf } from '../workflows/definitions.ts';
import { MailboxNotRunningError } from './errors.ts';
import type { Rpc } from './rpc.ts';
import { withoutMemos } from './without-memos.ts';

/** A question to Temporal about one mailbox. */
export interface RunQuestion {
  readonly temporal: Client;
  readonly rpc: Rpc;
  readonly mailbox: MailboxId;
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined;
}

/** What the server says of a mailbox's last run; null when it knows no run. */
export async function describedRun({
  temporal,
  rpc,
  mailbox,
  signal,
}: RunQuestion): Promise<WorkflowExecutionDescription | null> {
  try {
    return await rpc({ mailbox, signal }, () => withoutMemos(temporal).getHandle(workflowIdOf(mailbox)).describe());
  } catch (error) {
    if (error instanceof MailboxNotRunningError) return null;
    throw error;
  }
}

/**
 * The chain that a run belongs to, by its first run. Continue-as-new keeps the chain, and a new start begins another.
 */
export const chainOf = ({ raw, runId }: WorkflowExecutionDescription): string =>
  raw.workflowExecutionInfo?.firstRunId ?? runId;
