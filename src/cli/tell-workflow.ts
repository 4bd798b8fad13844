import { ServerUnreachableError } from '../client/errors.ts';
import type { MailboxId } from '../model/ids.ts';
import { withTidemark, type Cli, type VerbOptions } from './context.ts';

export type Told = 'told' | 'not-running' | 'unreachable';

export const NEXT: Readonly<Record<Told, (mailbox: MailboxId) => string>> = {
  told: () => 'Its workflow runs, and uses these credentials from now on.',
  'not-running': (mailbox) => `Next: tidemark start ${mailbox} --wait`,
  unreachable: (mailbox) => `No Temporal server answers yet. Once one runs: tidemark start ${mailbox} --wait (and tidemark resume ${mailbox}, if it waits for consent)`,
};

/** Credentials are stored whether or not a server runs; only a mailbox that waits for them must hear of it. */
export async function tellWorkflow(cli: Cli, options: VerbOptions, mailbox: MailboxId): Promise<Told> {
  try {
    return (await withTidemark(cli, options, ({ tidemark }) => tidemark.client.reconnect(mailbox))) ? 'told' : 'not-running';
  } catch (error) {
    if (error instanceof ServerUnreachableError) return 'unreachable';
    throw error;
  }
}
