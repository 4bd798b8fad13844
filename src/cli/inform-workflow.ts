import { OtherDatabaseError, ServerUnreachableError } from '../client/errors.ts';
import type { MailboxId } from '../model/ids.ts';
import { TidemarkError } from '../model/tidemark-error.ts';
import { messageWithAdvice } from './advice.ts';
import { obstacleWords } from './obstacle.ts';
import { withTidemark, type Cli, type VerbOptions } from './verb-context.ts';

/** Whether a mailbox's workflow uses its new credentials. */
export interface Informed {
  /** Whether its workflow runs. */
  readonly running: boolean;
  /** Whether Temporal could be used. */
  readonly serverReached: boolean;
  /** What the person should know or do next. */
  readonly next: string;
}

/**
 * Tells a running mailbox about its new credentials. The credentials are already stored, so a server that cannot be
 * used is no error: a person who saw an error would connect the mailbox again.
 */
export async function informWorkflow(cli: Cli, options: VerbOptions, mailbox: MailboxId): Promise<Informed> {
  const start = `tidemark start ${mailbox} --wait`;
  try {
    return await withTidemark(cli, options, async ({ tidemark: { client }, clock }) => {
      if (!(await client.reconnect(mailbox))) return { running: false, serverReached: true, next: `Next: ${start}` };
      const obstacle = obstacleWords(await client.status(mailbox), clock.now());
      const runs = 'Its workflow runs, and uses these credentials from now on';
      return { running: true, serverReached: true, next: obstacle === null ? `${runs}.` : `${runs}, but ${obstacle}` };
    });
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    if (error instanceof OtherDatabaseError)
      return {
        running: true,
        serverReached: true,
        next: `Its workflow does not use them: ${messageWithAdvice(error)}`,
      };
    const why =
      error instanceof ServerUnreachableError
        ? 'No Temporal server answers yet. Once one runs'
        : `Its workflow could not be told of that. ${messageWithAdvice(error).replace(/\.$/, '')}. After that`;
    return {
      running: false,
      serverReached: false,
      next: `${why}: ${start} (and tidemark resume ${mailbox}, if it waits for consent)`,
    };
  }
}
