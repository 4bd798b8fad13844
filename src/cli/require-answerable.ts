import type { FailingTask } from '../client/failing-task.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';

/** The words fit every cause: code that does not fit the history, a payload that cannot be read, too little time. */
export function failingTaskWords(mailbox: MailboxId, { attempt }: FailingTask): string {
  return (
    `The workflow task of ${mailbox} keeps failing (attempt ${attempt}): ` +
    'the workers cannot handle its history, and their logs say why. ' +
    'Go back to the previous build, or give the workers what they lack (the payload key, for example). ' +
    'Then the mailbox continues by itself, and nothing is lost'
  );
}

/**
 * Call this after a signal: Temporal accepts a signal even while the task fails, and the signal then waits behind it.
 *
 * @throws {CannotDoError} when the mailbox's workflow task keeps failing
 */
export async function requireHandled(client: Pick<TidemarkClient, 'failingTask'>, mailbox: MailboxId): Promise<void> {
  const failing = await client.failingTask(mailbox);
  if (failing !== null) throw waitsBehind(mailbox, failing);
}

/** The error of a verb whose signal waits behind a task that fails. */
export const waitsBehind = (mailbox: MailboxId, failing: FailingTask): CannotDoError =>
  new CannotDoError(
    'workflow-task-fails',
    `${failingTaskWords(mailbox, failing)}. What was asked for now waits until then.`,
  );

/**
 * Call this before a wait: the wait would not end while the task fails.
 *
 * @throws {CannotDoError} when the mailbox's workflow task keeps failing
 */
export async function requireAnswerable(
  client: Pick<TidemarkClient, 'failingTask'>,
  mailbox: MailboxId,
): Promise<void> {
  const failing = await client.failingTask(mailbox);
  if (failing !== null)
    throw new CannotDoError(
      'workflow-task-fails',
      `${failingTaskWords(mailbox, failing)}. Nothing was asked of it now.`,
    );
}
