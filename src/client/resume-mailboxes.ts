import type { Client } from '@temporalio/client';

import type { MailboxId } from '../model/ids.ts';
import { knownOptions, valueAmong, type OptionNames } from '../model/options.ts';
import { resume, workflowIdOf } from '../workflows/definitions.ts';
import { PHASE_ATTRIBUTE } from '../workflows/search-attributes.ts';
import { MailboxNotRunningError } from './errors.ts';
import { failingTaskOf } from './failing-task.ts';
import { RESUMABLE_PHASES, type BlockedPhase } from './blocked-mailbox.ts';
import type { ClientMeans } from './mailbox-workflow.ts';
import { mailboxOf, RUNNING_MAILBOXES } from './running.ts';
import { withoutMemos } from './without-memos.ts';

/** Ms between two mailboxes: each resumed mailbox asks Gmail at once. */
const PAUSE = 100;

/** Which mailboxes `resumeAll` resumes. */
export interface ResumeAllOptions {
  /** All of {@link RESUMABLE_PHASES} by default. */
  readonly phases?: readonly BlockedPhase[];
  /**
   * Called after each mailbox that was resumed.
   *
   * @param mailbox - the mailbox that was resumed
   * @param done - how many mailboxes have been signalled so far, or found ended
   * @param of - how many mailboxes there are
   */
  readonly onResumed?: (mailbox: MailboxId, done: number, of: number) => void;
  /** Ends the call between two mailboxes, with its reason as the error. */
  readonly signal?: AbortSignal;
}

const RESUME_OPTIONS: OptionNames<ResumeAllOptions> = { phases: true, onResumed: true, signal: true };

/** Which mailboxes were resumed, and which were not. */
export interface ResumedMailboxes {
  /** Mailboxes that were signalled, in the order of e-mail addresses. */
  readonly resumed: readonly MailboxId[];
  /** Those of them whose workflow task keeps failing. They go on only once the cause is removed. */
  readonly failing: readonly MailboxId[];
  /** Mailboxes that were stopped after they were listed. */
  readonly ended: readonly MailboxId[];
}

/**
 * Resumes every mailbox that shows one of the phases, ten a second. After an interruption a second call resumes those
 * that still show it.
 */
export async function resumeMailboxes(
  { temporal, rpc, clock }: Pick<ClientMeans, 'temporal' | 'rpc' | 'clock'>,
  options: ResumeAllOptions,
): Promise<ResumedMailboxes> {
  const { phases = RESUMABLE_PHASES, onResumed, signal } = knownOptions('resumeAll', options, RESUME_OPTIONS);
  for (const phase of phases) valueAmong(RESUMABLE_PHASES, 'A phase', phase);
  const mailboxes = await rpc({ signal }, () => mailboxesIn(temporal, phases));
  const resumed: MailboxId[] = [];
  const failing: MailboxId[] = [];
  const ended: MailboxId[] = [];
  for (const mailbox of mailboxes) {
    try {
      // Asked before the signal: a signal makes the server count the task's attempts from one again.
      const isFailing = (await failingTaskOf({ temporal, rpc, mailbox })) !== null;
      await rpc({ mailbox, signal }, () => temporal.workflow.getHandle(workflowIdOf(mailbox)).signal(resume));
      resumed.push(mailbox);
      if (isFailing) failing.push(mailbox);
      onResumed?.(mailbox, resumed.length + ended.length, mailboxes.length);
    } catch (error) {
      if (!(error instanceof MailboxNotRunningError)) throw error;
      ended.push(mailbox);
    }
    await clock.sleep(PAUSE, signal);
  }
  return { resumed, failing, ended };
}

/** From Temporal's visibility, which may lag by some milliseconds. @see https://docs.temporal.io/list-filter */
async function mailboxesIn(temporal: Client, phases: readonly BlockedPhase[]): Promise<readonly MailboxId[]> {
  const shown = phases.map((phase) => `'${phase}'`).join(', ');
  const query = `${RUNNING_MAILBOXES} AND ${PHASE_ATTRIBUTE.name} IN (${shown})`;
  const mailboxes: MailboxId[] = [];
  for await (const { workflowId } of withoutMemos(temporal).list({ query })) {
    const mailbox = mailboxOf(workflowId);
    if (mailbox !== null) mailboxes.push(mailbox);
  }
  return mailboxes.sort();
}
