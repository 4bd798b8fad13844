import { readFile } from 'node:fs/promises';

import type { Command } from 'commander';

import { ServerUnreachableError } from '../client/errors.ts';
import { CannotDoError } from '../failure-report.ts';
import { connectMailbox } from '../login.ts';
import type { MailboxId } from '../model/ids.ts';
import { parseEmail } from './arguments.ts';
import { verb, withStores, withTidemark, type Cli, type VerbOptions } from './context.ts';
import { counted } from './words.ts';

interface ConnectOptions extends VerbOptions {
  readonly credentials: string;
  readonly verify: boolean;
}

export function addConnect(program: Command, cli: Cli): void {
  verb(program, 'connect', {
    summary: 'store the credentials of a mailbox, encrypted',
    examples: ['tidemark connect ada@example.com --credentials ada.json', 'tidemark connect ada@example.com --credentials service-account.json'],
  })
    .argument('<email>', 'the mailbox', parseEmail)
    .requiredOption('--credentials <file>', 'Google\'s own JSON: authorized_user, or service_account with domain-wide delegation')
    .option('--no-verify', 'store the credentials without trying them')
    .addHelpText('after', '\nA mailbox that waits for consent goes on at once.')
    .action((mailbox: MailboxId, options: ConnectOptions) =>
      withStores(cli, options, async ({ stores, out, config, clock }) => {
        const text = await readCredentials(options.credentials);
        const { messagesTotal } = await connectMailbox({ config, stores, mailbox, clock, text, verify: options.verify });
        const told = await tellWorkflow(cli, options, mailbox);
        out.result({ mailbox, connected: true, verified: options.verify, messagesTotal, running: told === 'told', serverReached: told !== 'unreachable' }, () => {
          const size = messagesTotal === null ? '' : ` (${counted(messagesTotal, 'message')} at Gmail)`;
          return `${mailbox} is connected${size}. ${NEXT[told](mailbox)}`;
        });
      }),
    );
}

type Told = 'told' | 'not-running' | 'unreachable';

const NEXT: Readonly<Record<Told, (mailbox: MailboxId) => string>> = {
  told: () => 'Its workflow was told.',
  'not-running': (mailbox) => `Next: tidemark start ${mailbox} --wait`,
  unreachable: (mailbox) => `No Temporal server answers yet. Once one runs: tidemark start ${mailbox} --wait (and tidemark resume ${mailbox}, if it waits for consent)`,
};

/** Credentials are stored whether or not a server runs; only a mailbox that waits for them must hear of it. */
async function tellWorkflow(cli: Cli, options: ConnectOptions, mailbox: MailboxId): Promise<Told> {
  try {
    return (await withTidemark(cli, options, ({ tidemark }) => tidemark.client.reconnect(mailbox))) ? 'told' : 'not-running';
  } catch (error) {
    if (error instanceof ServerUnreachableError) return 'unreachable';
    throw error;
  }
}

async function readCredentials(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new CannotDoError('credentials-file', `The credentials file ${file} ${reason}.`, { cause: error });
  }
}
