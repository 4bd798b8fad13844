import type { WorkflowHandle } from '@temporalio/client';

import type { MailboxId } from '../model/ids.ts';
import type { AuditResult } from '../store/rows/mailbox-row.ts';
import * as definitions from '../workflows/definitions.ts';
import { blockReasonOf, isBlocked } from './blocked-mailbox.ts';
import { MailboxBlockedError } from './errors.ts';
import { viewOf, waitingWith, type ClientMeans } from './mailbox-workflow.ts';
import { untilAnswered, reached, runningWorkflow, type WaitOptions } from './waiting.ts';

/** Runs a partial sync, and waits until the store has reached the mailbox's head as of this call. */
export async function syncAndWait(means: ClientMeans, mailbox: MailboxId, options: WaitOptions): Promise<void> {
  const chain = await chainOf(means, mailbox, options);
  const { sync } = await chain.ask((handle, updateId) => handle.executeUpdate(definitions.sync, { updateId }));
  await reached(mailbox, () =>
    chain.ask((handle, updateId) => handle.executeUpdate(definitions.awaitSync, { args: [{ sync }], updateId })),
  );
}

/** Forces a full sync, and waits until it is complete. */
export async function resyncAndWait(means: ClientMeans, mailbox: MailboxId, options: WaitOptions): Promise<void> {
  const chain = await chainOf(means, mailbox, options);
  const { generation } = await chain.ask((handle, updateId) => handle.executeUpdate(definitions.resync, { updateId }));
  await reached(mailbox, () =>
    chain.ask((handle, updateId) =>
      handle.executeUpdate(definitions.awaitResync, { args: [{ generation }], updateId }),
    ),
  );
}

/** Runs an audit, and waits for its result; null when the store lost the mailbox meanwhile. */
export async function auditAndWait(
  means: ClientMeans,
  mailbox: MailboxId,
  options: WaitOptions,
): Promise<AuditResult | null> {
  const chain = await chainOf(means, mailbox, options);
  const { audit } = await chain.ask((handle, updateId) => handle.executeUpdate(definitions.audit, { updateId }));
  await reached(mailbox, () =>
    chain.ask((handle, updateId) => handle.executeUpdate(definitions.awaitAudit, { args: [{ audit }], updateId })),
  );
  return (await means.store.getMailbox(mailbox))?.audit ?? null;
}

/**
 * The chain of runs that is asked for work. Both the request and the wait for its end are updates.
 *
 * @throws {MailboxBlockedError} when the mailbox waits for a person
 * @throws {MailboxNotRunningError} when no workflow runs
 */
async function chainOf(means: ClientMeans, mailbox: MailboxId, options: WaitOptions) {
  const workflowId = definitions.workflowIdOf(mailbox);
  // A query is answered after every signal that was sent before it, so a mailbox that was just resumed is not taken
  // for paused.
  const { status } = await viewOf(means, mailbox);
  if (status !== null && isBlocked(status.phase))
    throw new MailboxBlockedError(mailbox, status.phase, blockReasonOf(status));
  const waiting = waitingWith(means);
  const { handle, firstRunId } = await runningWorkflow(waiting, mailbox, workflowId, options.signal);
  return {
    ask: <Result>(send: (handle: WorkflowHandle, updateId: string) => Promise<Result>): Promise<Result> =>
      untilAnswered(waiting, { mailbox, workflowId, firstRunId, options }, (updateId) => send(handle, updateId)),
  };
}
