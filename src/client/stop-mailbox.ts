import type { MailboxId } from '../model/ids.ts';
import { stop, workflowIdOf } from '../workflows/definitions.ts';
import { MailboxNotRunningError } from './errors.ts';
import { signalMailbox, waitingWith, type ClientMeans } from './mailbox-workflow.ts';
import { runningWorkflow } from './waiting.ts';

/** How long to wait for the end of a workflow by default, in milliseconds. */
export const STOP_PATIENCE = 15_000;
/** Milliseconds between two looks at the workflow. */
const LOOK = 100;

/**
 * Ends a mailbox's workflow, and waits until it has ended.
 *
 * @param options.patience - milliseconds, {@link STOP_PATIENCE} by default
 * @returns whether it has ended: without a worker it ends once one runs
 */
export async function stopMailbox(
  means: ClientMeans,
  mailbox: MailboxId,
  {
    patience = STOP_PATIENCE,
    signal,
  }: { readonly patience?: number | undefined; readonly signal?: AbortSignal | undefined },
): Promise<{ readonly ended: boolean }> {
  const { clock } = means;
  const lookUp = () => runningWorkflow(waitingWith(means), mailbox, workflowIdOf(mailbox), signal);
  const { firstRunId } = await lookUp();
  await signalMailbox(means, mailbox, stop);
  const deadline = clock.now() + patience;
  while (clock.now() < deadline) {
    try {
      if ((await lookUp()).firstRunId !== firstRunId) return { ended: true };
    } catch (error) {
      if (error instanceof MailboxNotRunningError) return { ended: true };
      throw error;
    }
    await clock.sleep(LOOK, signal);
  }
  return { ended: false };
}
