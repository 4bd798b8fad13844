import { WorkflowFailedError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { TypedSearchAttributes } from '@temporalio/common';

import { InvalidIdError, mailboxId, type MailboxId } from '../model/ids.ts';
import { MAILBOX_WORKFLOW, status as statusQuery, workflowIdOf } from '../workflows/definitions.ts';
import { PHASES, type Phase } from '../workflows/phase.ts';
import { PHASE_ATTRIBUTE } from '../workflows/search-attributes.ts';
import { MailboxNotRunningError } from './errors.ts';
import { describedRun, type RunQuestion } from './described-run.ts';
import { failingTaskIn, reportsProblems } from './failing-task.ts';
import type { RunningView } from './mailbox-report.ts';
import { pendingFailures } from './pending-failures.ts';
import { withoutMemos } from './without-memos.ts';

/**
 * A worker answers within milliseconds, within three seconds while a poll of a slow Gmail keeps the workflow task open
 * (`LOOK` in workflows/activity-lanes.ts), and within this time if it must replay a long history first.
 */
const QUERY_DEADLINE = 5_000;

/**
 * What Temporal says about one mailbox: the workflow's own answer, or, when no worker answers, the phase that it last
 * showed.
 */
export async function runningView(question: RunQuestion): Promise<RunningView> {
  const { temporal, rpc, mailbox } = question;
  const described = await describedRun(question);
  if (described === null) return { phase: null, status: null };
  if (described.status.name !== 'RUNNING')
    return { phase: null, status: null, failure: await failureOf(question, described) };
  const shown = phaseIn(described.typedSearchAttributes);
  const failingTask = failingTaskIn(described);
  const failing = await pendingFailures(described, temporal.options.loadedDataConverter);
  try {
    const handle = temporal.workflow.getHandle(workflowIdOf(mailbox));
    const status = await rpc({ mailbox, deadline: QUERY_DEADLINE }, () => handle.query(statusQuery));
    return { phase: shown, failingTask, failing, status };
  } catch {
    // No worker answers, so the description has to do. A fault of the server itself would have made describe fail.
    return { phase: shown, failingTask, failing, status: null };
  }
}

/** Why a workflow failed. The only cause is an input from which no mailbox can be made. */
async function failureOf(
  { temporal, rpc, mailbox }: RunQuestion,
  { status, runId, closeTime }: WorkflowExecutionDescription,
): Promise<RunningView['failure']> {
  if (status.name !== 'FAILED') return null;
  try {
    await rpc({ mailbox }, () => temporal.workflow.getHandle(workflowIdOf(mailbox), runId).result());
    return null;
  } catch (error) {
    // Temporal may forget the run in between.
    if (error instanceof MailboxNotRunningError) return null;
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { message: error.cause?.message ?? error.message, at: closeTime?.getTime() ?? 0 };
  }
}

/** The running mailboxes, for a query of Temporal's visibility. @see https://docs.temporal.io/list-filter */
export const RUNNING_MAILBOXES = `WorkflowType = '${MAILBOX_WORKFLOW}' AND ExecutionStatus = 'Running'`;

/** A running mailbox in Temporal's visibility, which may lag by some milliseconds. */
export interface ListedMailbox {
  readonly phase: Phase;
  /**
   * The server marks a workflow whose task failed some five times in a row (server 1.32; older servers may not do it).
   */
  readonly reportsProblems: boolean;
}

/** Every running mailbox, from one list query. */
export async function runningMailboxes(temporal: Client): Promise<ReadonlyMap<MailboxId, ListedMailbox>> {
  const running = new Map<MailboxId, ListedMailbox>();
  for await (const execution of withoutMemos(temporal).list({ query: RUNNING_MAILBOXES })) {
    const mailbox = mailboxOf(execution.workflowId);
    if (mailbox !== null)
      running.set(mailbox, {
        phase: phaseIn(execution.typedSearchAttributes),
        reportsProblems: reportsProblems(execution.typedSearchAttributes),
      });
  }
  return running;
}

/** The phases that the running mailboxes show. */
export async function runningPhases({
  temporal,
  rpc,
}: Pick<RunQuestion, 'temporal' | 'rpc'>): Promise<ReadonlyMap<MailboxId, Phase>> {
  const running = await rpc({}, () => runningMailboxes(temporal));
  return new Map([...running].map(([mailbox, { phase }]) => [mailbox, phase] as const));
}

/** A workflow shows no phase before its first task: then it is about to begin its full sync. */
function phaseIn(attributes: TypedSearchAttributes): Phase {
  const shown = attributes.get(PHASE_ATTRIBUTE);
  return PHASES.find((phase) => phase === shown) ?? 'full-sync';
}

/** @returns null for a workflow whose id Tidemark did not make */
export function mailboxOf(workflowId: string): MailboxId | null {
  try {
    const mailbox = mailboxId(workflowId.slice(MAILBOX_WORKFLOW.length + 1));
    return workflowIdOf(mailbox) === workflowId ? mailbox : null;
  } catch (error) {
    if (error instanceof InvalidIdError) return null;
    throw error;
  }
}
