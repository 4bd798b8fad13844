import { randomUUID } from 'node:crypto';

import type { Client, WorkflowHandle } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { AwaitResult } from '../workflows/definitions.ts';
import type { Phase } from '../workflows/phase.ts';
import { isUnreachable, MailboxBlockedError, MailboxNotRunningError, type BlockedPhase } from './errors.ts';
import type { Rpc } from './rpc.ts';

/** Longer than an update waits by itself (AWAIT_BOUND), so that it ends with an answer where a worker runs. */
const UPDATE_DEADLINE = 30_000;
const PAUSE = 500;

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Called, again and again, while no worker takes part: the wait goes on, for workers restart. */
  readonly onNoWorker?: () => void;
}

export interface Waiting {
  readonly temporal: Client;
  readonly rpc: Rpc;
  readonly clock: Clock;
  /** Whether a worker answers for this mailbox now. */
  readonly isAnswered: (mailbox: MailboxId) => Promise<boolean>;
}

/**
 * The running workflow of a mailbox, bound to its chain of runs: numbers that one chain gave mean nothing to the next.
 *
 * @throws {MailboxNotRunningError} when there is none
 */
export async function runningWorkflow(
  { temporal, rpc }: Waiting,
  mailbox: MailboxId,
  workflowId: string,
  signal?: AbortSignal,
): Promise<{ handle: WorkflowHandle; firstRunId: string }> {
  const described = await rpc({ mailbox, signal }, () => temporal.workflow.getHandle(workflowId).describe());
  if (described.status.name !== 'RUNNING') throw new MailboxNotRunningError(mailbox);
  const firstRunId = described.raw.workflowExecutionInfo?.firstRunId ?? described.runId;
  return { handle: temporal.workflow.getHandle(workflowId, undefined, { firstExecutionRunId: firstRunId }), firstRunId };
}

/**
 * Sends an update until it is answered. Why this is right: each repetition carries the same update id, so the server attaches it to the
 * update that is under way, and does not run it twice; a run that ended by continue-as-new is followed, for the handle names the chain.
 * An update that waits at a workflow without a worker ends here by its deadline, and is asked for again.
 */
export async function answered<Result>(
  waiting: Waiting,
  request: { mailbox: MailboxId; workflowId: string; firstRunId: string; options: WaitOptions },
  send: (updateId: string) => Promise<Result>,
): Promise<Result> {
  const { rpc, clock } = waiting;
  const { mailbox, options } = request;
  const updateId = randomUUID();
  for (;;) {
    try {
      return await withNotice(waiting, request, () => rpc({ mailbox, deadline: UPDATE_DEADLINE, signal: options.signal }, () => send(updateId)));
    } catch (error) {
      // Not found: the workflow ended, or this very run did by continue-as-new. A server that restarts is waited for.
      if (!isUnreachable(error) && !(error instanceof MailboxNotRunningError)) throw error;
      if (error instanceof MailboxNotRunningError && !(await stillRuns(waiting, request))) throw error;
    }
    await clock.sleep(PAUSE, options.signal);
  }
}

/** Repeats a bounded wait until it is reached. */
export async function reached(mailbox: MailboxId, wait: () => Promise<AwaitResult>): Promise<void> {
  for (;;) {
    const { done, phase, lastError } = await wait();
    if (done) return;
    if (isBlocked(phase)) throw new MailboxBlockedError(mailbox, phase, lastError);
  }
}

export function isBlocked(phase: Phase | 'stopped'): phase is BlockedPhase {
  return phase === 'paused' || phase === 'needs-consent' || phase === 'failed';
}

/** Whether a mailbox works by itself: it is neither stopped, nor paused, nor blocked. */
export function isRunning({ phase }: { readonly phase: Phase | 'stopped' }): boolean {
  return phase !== 'stopped' && !isBlocked(phase);
}

async function stillRuns(waiting: Waiting, { mailbox, workflowId, firstRunId, options }: { mailbox: MailboxId; workflowId: string; firstRunId: string; options: WaitOptions }): Promise<boolean> {
  try {
    return (await runningWorkflow(waiting, mailbox, workflowId, options.signal)).firstRunId === firstRunId;
  } catch (error) {
    if (error instanceof MailboxNotRunningError) return false;
    if (isUnreachable(error)) return true;
    throw error;
  }
}

const NOTICE_AFTER = 3_000;

/** Asks, while the call has no answer, whether any worker is there to give one. */
async function withNotice<Result>(waiting: Waiting, { mailbox, options: { onNoWorker } }: { mailbox: MailboxId; options: WaitOptions }, call: () => Promise<Result>): Promise<Result> {
  if (onNoWorker === undefined) return call();
  const ended = new AbortController();
  const watch = async (): Promise<void> => {
    for (;;) {
      await waiting.clock.sleep(NOTICE_AFTER, ended.signal);
      if (!(await waiting.isAnswered(mailbox))) onNoWorker();
    }
  };
  // Whatever the watch ends by (the abort below, a server that does not answer), the call itself reports.
  const watching = watch().catch(() => undefined);
  try {
    return await call();
  } finally {
    ended.abort();
    await watching;
  }
}
