import type { Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { MailboxRemoval } from '../store/removal/remove-mailbox.ts';
import { workflowIdOf } from '../workflows/definitions.ts';
import { MailboxNotRunningError } from './errors.ts';
import type { Rpc } from './rpc.ts';

export interface RemovedMailbox {
  /** Whether a workflow ran. */
  readonly wasRunning: boolean;
  /** Whether the store held the mailbox. */
  readonly wasStored: boolean;
  /** Rows that were deleted, of earlier removals that were not finished too. */
  readonly rows: number;
}

/** What a removal needs of the stores. */
export interface RemovalStores {
  readonly store: MailboxRemoval;
  readonly credentials: Pick<CredentialStore, 'delete'>;
}

/**
 * Ends a mailbox's workflow and deletes everything of it. Each step can be done again, so a removal that died is finished by the next one;
 * the rows' deletion alone also by a worker. The workflow goes first: ending Gmail's watch needs the credentials.
 *
 * @param request.stop - asks the workflow to end, and answers whether it did; it is terminated when not
 */
export async function removeMailbox(request: {
  mailbox: MailboxId;
  temporal: Client;
  rpc: Rpc;
  clock: Clock;
  stores: RemovalStores;
  stop: () => Promise<{ readonly ended: boolean }>;
  signal: AbortSignal | undefined;
}): Promise<RemovedMailbox> {
  const { mailbox, temporal, rpc, clock, stores, stop, signal } = request;
  const last = await lastExecution({ mailbox, temporal, rpc });
  const wasRunning = last?.running === true;
  if (wasRunning && !(await stopped(stop))) {
    await rpc({ mailbox }, () => temporal.workflow.getHandle(workflowIdOf(mailbox)).terminate('removed')).catch(ignoreEnded);
  }
  const now = clock.now();
  const wasStored = await stores.store.beginRemoval({ mailbox, chain: last?.chain ?? null, now });
  await stores.credentials.delete(mailbox);
  const rows = await stores.store.finishRemovals({ now, ...(signal === undefined ? {} : { signal }) });
  return { wasRunning, wasStored, rows };
}

/** The chain of the newest run, which may have ended: attempts of its activities may still be at work. */
async function lastExecution({ mailbox, temporal, rpc }: { mailbox: MailboxId; temporal: Client; rpc: Rpc }): Promise<{ running: boolean; chain: string } | null> {
  try {
    const described = await rpc({ mailbox }, () => temporal.workflow.getHandle(workflowIdOf(mailbox)).describe());
    return { running: described.status.name === 'RUNNING', chain: described.raw.workflowExecutionInfo?.firstRunId ?? described.runId };
  } catch (error) {
    if (error instanceof MailboxNotRunningError) return null;
    throw error;
  }
}

async function stopped(stop: () => Promise<{ readonly ended: boolean }>): Promise<boolean> {
  try {
    return (await stop()).ended;
  } catch (error) {
    if (error instanceof MailboxNotRunningError) return true;
    throw error;
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof MailboxNotRunningError)) throw error;
}
