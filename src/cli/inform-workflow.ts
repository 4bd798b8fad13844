import { ServerUnreachableError } from '../client/errors.ts';
import type { MailboxId } from '../model/ids.ts';
import { withTidemark, type Cli, type VerbOptions } from './verb-context.ts';

export type Informed = 'informed' | 'not-running' | 'unreachable';

export const NEXT: Readonly<Record<Informed, (mailbox: MailboxId) => string>> = {
  informed: () => 'Its workflow runs, and uses these credentials from now on.',
  'not-running': (mailbox) => `Next: tidemark start ${mailbox} --wait`,
  unreachable: (mailbox) =>
    'No Temporal server answers yet. Once one runs: ' +
    `tidemark start ${mailbox} --wait (and tidemark resume ${mailbox}, if it waits for consent)`,
};

/** Tells a running mailbox about its new credentials, which are stored whether or not a server runs. */
export async function informWorkflow(cli: Cli, options: VerbOptions, mailbox: MailboxId): Promise<Informed> {
  try {
    return (await withTidemark(cli, options, ({ tidemark }) => tidemark.client.reconnect(mailbox)))
      ? 'informed'
      : 'not-running';
  } catch (error) {
    if (error instanceof ServerUnreachableError) return 'unreachable';
    throw error;
  }
}
