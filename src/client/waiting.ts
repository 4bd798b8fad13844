import { randomUUID } from 'node:crypto';

import type { Client, WorkflowHandle } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { OptionNames } from '../model/options.ts';
import type { AwaitResult } from '../workflows/definitions.ts';
import { isUnreachable } from './temporal-errors.ts';
import { chainOf } from './described-run.ts';
import { MailboxBlockedError, MailboxNotRunningError } from './errors.ts';
import { isBlocked } from './blocked-mailbox.ts';
import type { Rpc } from './rpc.ts';
import { withoutMemos } from './without-memos.ts';

/**
 * Longer than the workflow lets an update wait (AWAIT_BOUND), so that the update ends with an answer while a worker
 * runs.
 */
const UPDATE_DEADLINE = 30_000;
const PAUSE = 500;

/** How long a call waits for the mailbox. */
export interface WaitOptions {
  /** Ends the wait, with its reason as the error. The mailbox goes on. */
  readonly signal?: AbortSignal;
  /** Called repeatedly while no worker answers. The wait continues, since workers restart. */
  readonly onNoWorker?: () => void;
}

export const WAIT_OPTIONS: OptionNames<WaitOptions> = { signal: true, onNoWorker: true };

export interface WaitMeans {
  readonly temporal: Client;
  readonly rpc: Rpc;
  readonly clock: Clock;
  /** Whether a worker answers for this mailbox now. */
  readonly isAnswered: (mailbox: MailboxId) => Promise<boolean>;
}

/**
 * The running workflow of a mailbox, bound to its chain of runs: numbers from one chain have no meaning in the next.
 *
 * @throws {MailboxNotRunningError} when no workflow runs
 */
export async function runningWorkflow(
  { temporal, rpc }: WaitMeans,
  mailbox: MailboxId,
  workflowId: string,
  signal?: AbortSignal,
): Promise<{ handle: WorkflowHandle; firstRunId: string }> {
  const described = await rpc({ mailbox, signal }, () => withoutMemos(temporal).getHandle(workflowId).describe());
  if (described.status.name !== 'RUNNING') throw new MailboxNotRunningError(mailbox);
  const firstRunId = chainOf(described);
  return {
    handle: temporal.workflow.getHandle(workflowId, undefined, { firstExecutionRunId: firstRunId }),
    firstRunId,
  };
}

/**
 * Sends an update until it is answered. Each repetition has the same update id, so the server attaches it to the update
 * under way and does not run it twice. The handle names the chain, so a run that ends by continue-as-new is followed.
 * Without a worker the update ends here at its deadline, and is sent again.
 */
export async function untilAnswered<Result>(
  waiting: WaitMeans,
  request: { mailbox: MailboxId; workflowId: string; firstRunId: string; options: WaitOptions },
  send: (updateId: string) => Promise<Result>,
): Promise<Result> {
  const { rpc, clock } = waiting;
  const { mailbox, options } = request;
  const updateId = randomUUID();
  for (;;) {
    try {
      return await withNotice(waiting, request, () =>
        rpc({ mailbox, deadline: UPDATE_DEADLINE, signal: options.signal }, () => send(updateId)),
      );
    } catch (error) {
      // Not found means that the workflow ended, or only this run, by continue-as-new. While the server restarts, the
      // wait continues.
      if (!isUnreachable(error) && !(error instanceof MailboxNotRunningError)) throw error;
      if (error instanceof MailboxNotRunningError && !(await stillRuns(waiting, request))) throw error;
    }
    await clock.sleep(PAUSE, options.signal);
  }
}

/** Repeats a bounded wait until its aim is reached. */
export async function reached(mailbox: MailboxId, wait: () => Promise<AwaitResult>): Promise<void> {
  for (;;) {
    const { done, phase, lastError, remedy } = await wait();
    if (done) return;
    if (isBlocked(phase))
      throw new MailboxBlockedError(mailbox, phase, lastError === null ? null : { message: lastError, remedy });
  }
}

async function stillRuns(
  waiting: WaitMeans,
  {
    mailbox,
    workflowId,
    firstRunId,
    options,
  }: { mailbox: MailboxId; workflowId: string; firstRunId: string; options: WaitOptions },
): Promise<boolean> {
  try {
    return (await runningWorkflow(waiting, mailbox, workflowId, options.signal)).firstRunId === firstRunId;
  } catch (error) {
    if (error instanceof MailboxNotRunningError) return false;
    if (isUnreachable(error)) return true;
    throw error;
  }
}

const NOTICE_AFTER = 3_000;

/** While the call has no answer, checks whether a worker answers for the mailbox at all. */
async function withNotice<Result>(
  waiting: WaitMeans,
  { mailbox, options: { onNoWorker } }: { mailbox: MailboxId; options: WaitOptions },
  call: () => Promise<Result>,
): Promise<Result> {
  if (onNoWorker === undefined) return call();
  const ended = new AbortController();
  const watch = async (): Promise<void> => {
    for (;;) {
      await waiting.clock.sleep(NOTICE_AFTER, ended.signal);
      if (!(await waiting.isAnswered(mailbox))) onNoWorker();
    }
  };
  // The watch ends by the abort below or by a server that does not answer, which the call itself reports.
  const watching = watch().catch(() => undefined);
  try {
    return await call();
  } finally {
    ended.abort();
    await watching;
  }
}
