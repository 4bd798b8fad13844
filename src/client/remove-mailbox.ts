import type { Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { MailboxRemoval } from '../store/removal/mailbox-removal.ts';
import { workflowIdOf } from '../workflows/definitions.ts';
import { MailboxNotRunningError } from './errors.ts';
import type { Rpc } from './rpc.ts';

/** What there was of a mailbox that was removed. */
export interface RemovedMailbox {
  /** Whether a workflow ran. */
  readonly wasRunning: boolean;
  /** Whether the store held the mailbox. */
  readonly wasStored: boolean;
  /** Rows that were deleted, those of earlier unfinished removals included. */
  readonly rows: number;
}

/** What a removal needs of the stores. */
export interface RemovalStores {
  readonly store: MailboxRemoval;
  readonly credentials: Pick<CredentialStore, 'delete'>;
}

/**
 * Ends a mailbox's workflow and deletes everything of it. Each step can be repeated, so the next call finishes an
 * interrupted removal; a worker finishes the deletion of rows, too. The workflow ends first, because it needs the
 * credentials to end Gmail's watch.
 *
 * @param request.stop - asks the workflow to end, and says whether it did; otherwise it is terminated
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
    await rpc({ mailbox }, () => temporal.workflow.getHandle(workflowIdOf(mailbox)).terminate('removed')).catch(
      ignoreEnded,
    );
  }
  const now = clock.now();
  const wasStored = await stores.store.beginRemoval({ mailbox, chain: last?.chain ?? null, now });
  await stores.credentials.delete(mailbox);
  const rows = await stores.store.finishRemovals({ now, ...(signal === undefined ? {} : { signal }) });
  return { wasRunning, wasStored, rows };
}

/** The chain of the newest run. Even if it has ended, attempts of its activities may still be running. */
async function lastExecution({
  mailbox,
  temporal,
  rpc,
}: {
  mailbox: MailboxId;
  temporal: Client;
  rpc: Rpc;
}): Promise<{ running: boolean; chain: string } | null> {
  try {
    const described = await rpc({ mailbox }, () => temporal.workflow.getHandle(workflowIdOf(mailbox)).describe());
    return {
      running: described.status.name === 'RUNNING',
      chain: described.raw.workflowExecutionInfo?.firstRunId ?? described.runId,
    };
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
