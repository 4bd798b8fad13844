import type { MailboxId } from '../model/ids.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { MailboxRemoval } from '../store/removal/mailbox-removal.ts';
import { workflowIdOf } from '../workflows/definitions.ts';
import { chainOf, describedRun } from './described-run.ts';
import { MailboxNotRunningError } from './errors.ts';
import type { ClientStore } from './mailbox-report.ts';
import { viewOf, type ClientMeans } from './mailbox-workflow.ts';
import { STOP_PATIENCE, stopMailbox } from './stop-mailbox.ts';
import { hasWorker } from './workers.ts';

/** What there was of a mailbox that was removed. */
export interface RemovedMailbox {
  /** Whether a workflow ran. */
  readonly wasRunning: boolean;
  /** Whether the store held the mailbox. */
  readonly wasStored: boolean;
  /** Rows that were deleted, those of earlier unfinished removals included. */
  readonly rows: number;
}

/** What a removal needs besides what commands work with. */
export interface RemovalMeans extends ClientMeans {
  readonly store: ClientStore & MailboxRemoval;
  readonly credentials: Pick<CredentialStore, 'delete'>;
  readonly taskQueue: string;
}

/**
 * Ends a mailbox's workflow and deletes everything of it. Each step can be repeated, so the next call finishes an
 * interrupted removal; a worker finishes the deletion of rows, too. The workflow ends first, because it needs the
 * credentials to end Gmail's watch. Without a worker it cannot end by itself, and is terminated.
 *
 * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
 */
export async function removeMailbox(
  means: RemovalMeans,
  mailbox: MailboxId,
  signal: AbortSignal | undefined,
): Promise<RemovedMailbox> {
  await viewOf(means, mailbox);
  const patience = (await hasWorker(means, signal)) ? STOP_PATIENCE : 0;
  const { temporal, rpc, clock, store, credentials } = means;
  const last = await describedRun({ temporal, rpc, mailbox });
  const wasRunning = last?.status.name === 'RUNNING';
  if (wasRunning && !(await hasStopped(means, mailbox, { patience, signal }))) {
    await rpc({ mailbox }, () => temporal.workflow.getHandle(workflowIdOf(mailbox)).terminate('removed')).catch(
      ignoreEnded,
    );
  }
  const now = clock.now();
  // Even if the newest run has ended, attempts of its activities may still be running.
  const wasStored = await store.beginRemoval({ mailbox, chain: last === null ? null : chainOf(last), now });
  await credentials.delete(mailbox);
  const rows = await store.finishRemovals({ now, ...(signal === undefined ? {} : { signal }) });
  return { wasRunning, wasStored, rows };
}

async function hasStopped(
  means: ClientMeans,
  mailbox: MailboxId,
  options: { readonly patience: number; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  try {
    return (await stopMailbox(means, mailbox, options)).ended;
  } catch (error) {
    if (error instanceof MailboxNotRunningError) return true;
    throw error;
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof MailboxNotRunningError)) throw error;
}
