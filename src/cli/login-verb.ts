import type { Command } from 'commander';

import type { CompletedConsent } from '../accounts/consent.ts';
import type { MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS, type MessageFormat } from '../model/settings.ts';
import type { AccountStores } from '../accounts/mailbox-credentials.ts';
import { parseEmail, parseFormat, parseInterval, parsePort } from './arguments.ts';
import { readSecretFile } from './credentials-file.ts';
import { verb, withStores, type Cli, type VerbContext, type VerbOptions } from './verb-context.ts';
import { informWorkflow, type Informed } from './inform-workflow.ts';
import { counted, renamedAccount } from './words.ts';

interface LoginOptions extends VerbOptions {
  readonly client: string;
  readonly format?: MessageFormat;
  readonly browser: boolean;
  readonly port?: number;
  readonly timeout?: number;
}

const TIMEOUT = 5 * 60_000;

export function addLogin(program: Command, cli: Cli): void {
  verb(program, 'login', {
    examples: [
      'tidemark login ada@example.com --client client.json',
      'tidemark login --client client.json --format metadata --no-browser',
    ],
  })
    .argument('[email]', 'the mailbox; the account that is chosen in the browser when not given', parseEmail)
    .requiredOption(
      '--client <file>',
      'the JSON of an OAuth client of type "Desktop app", from the Google Cloud console',
    )
    .option(
      '--format <format>',
      'decides what is asked for: full and raw need gmail.readonly, ' +
        'metadata and minimal gmail.metadata (default: as the mailbox is set)',
      parseFormat,
    )
    .option('--no-browser', 'only print the link')
    .option(
      '--port <n>',
      'of the redirect on 127.0.0.1, to be forwarded when the browser is on another machine (default: a free one)',
      parsePort,
    )
    .option('--timeout <duration>', 'how long to wait for the answer (default 5m)', parseInterval)
    .addHelpText(
      'after',
      '\nThe browser must reach 127.0.0.1 of this machine. From another one: ' +
        'ssh -L PORT:127.0.0.1:PORT, and --port PORT.',
    )
    .action((email: MailboxId | undefined, options: LoginOptions) =>
      withStores(
        cli,
        options,
        async (context) => {
          const consent = await askConsent(context, email ?? null, options);
          const { mailbox, address, scopes, messagesTotal } = consent;
          const informed = await informWorkflow(cli, options, mailbox);
          context.out.result(
            {
              mailbox,
              address,
              connected: true,
              scopes,
              messagesTotal,
              running: informed.running,
              serverReached: informed.serverReached,
            },
            () => connectedWords(consent, informed),
          );
        },
        { create: true },
      ),
    );
}

/** @param email - null leaves the choice of the account to the browser */
async function askConsent(
  { stores, out, config, clock, signal }: VerbContext & { stores: AccountStores },
  email: MailboxId | null,
  options: LoginOptions,
): Promise<CompletedConsent> {
  const client = await readSecretFile(options.client, 'client');
  const row = email === null ? null : await stores.store.getMailbox(email);
  const stored = row?.settings ?? DEFAULT_SETTINGS;
  const { consentOnDesktop } = await import('../accounts/desktop-consent.ts');
  return await consentOnDesktop({
    config,
    stores,
    clock,
    client,
    mailbox: email,
    settings: options.format === undefined ? stored : { ...stored, format: options.format },
    port: options.port ?? 0,
    timeout: options.timeout ?? TIMEOUT,
    signal,
    onLink: (url) => {
      out.notice(
        `${options.browser ? 'A browser opens. If none does, open' : 'Open'} this ` +
          `link${email === null ? '' : `, and choose ${email}`}:`,
        '',
        url,
        '',
      );
      if (options.browser) openBrowser(url);
    },
  });
}

function connectedWords({ mailbox, address, messagesTotal }: CompletedConsent, informed: Informed): string {
  const messages = messagesTotal === null ? '' : ` (${counted(messagesTotal, 'message')} at Gmail)`;
  return `${mailbox} is connected${messages}.${renamedAccount(mailbox, address)} ${informed.next}`;
}

/** Errors are ignored: the link is printed as well, for machines without a browser. */
function openBrowser(url: string): void {
  void import('open')
    .then(({ default: open }) => open(url))
    .then(
      (browser) => browser.on('error', () => undefined),
      () => undefined,
    );
}
