import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { Option, type Command } from 'commander';

import type { Config } from '../config/config.ts';
import type { MailboxId } from '../model/ids.ts';
import type { ServedMailbox, ServedSimulator, SimulateRequest } from '../simulator/open.ts';
import type { PushSubscription } from '../simulator/publishing.ts';
import { collect, parseCountFromZero, parseEmail, parseHttpUrl, parsePort } from './arguments.ts';
import { contextOf, untilAborted, verb, type Cli, type VerbContext, type VerbOptions } from './verb-context.ts';
import { counted } from './words.ts';

interface SimulateOptions extends VerbOptions {
  readonly port: number;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly messages: number;
  readonly mbox?: string;
  readonly email?: readonly MailboxId[];
  readonly credentials: string;
  readonly quota?: boolean;
  readonly lenient?: boolean;
  readonly pushEndpoint?: string;
}

const DEFAULT_EMAIL = 'ada@example.com';

export function addSimulate(program: Command, cli: Cli): void {
  verb(program, 'simulate', {
    examples: [
      'tidemark simulate',
      'tidemark simulate --port 8025 --messages 10000 --email ada@example.com --email bob@example.com',
      'tidemark simulate --mbox takeout.mbox',
    ],
  })
    .option('--port <n>', 'port to listen on; 0 takes a free one', parsePort, 8025)
    .option(
      '--host <address>',
      'address to listen on; everyone who reaches it can read and change the mail',
      '127.0.0.1',
    )
    .option(
      '--allow-host <name>',
      'a name by which clients reach it, besides localhost and IP addresses; may be given more than once',
      collect(String),
    )
    .option('--messages <n>', 'generated messages in each mailbox', parseCountFromZero, 2_000)
    .addOption(
      new Option(
        '--mbox <file>',
        'your own mail instead: an mbox file (Google Takeout) or a folder of .eml files',
      ).conflicts('messages'),
    )
    .option(
      '--email <address>',
      'the address of a mailbox; may be given more than once (default ada@example.com)',
      collect(parseEmail),
    )
    .option('--credentials <dir>', 'where credential files are written', '.')
    .option(
      '--quota',
      'hold callers to the quota that GMAIL_QUOTA_PRICES and GMAIL_*_UNITS_PER_MINUTE give, instead of only counting',
    )
    .option('--lenient', 'answer what is not simulated as well as can be, instead of with 501 and its name')
    .option(
      '--push-endpoint <url>',
      'deliver push notifications there, with tokens for PUSH_AUDIENCE (default: this URL) from PUSH_SERVICE_ACCOUNT',
      parseHttpUrl,
    )
    .addHelpText(
      'after',
      '\nIf PUBSUB_EMULATOR_HOST is set, notifications are published to that emulator.\n' +
        'Runs until Ctrl-C, and keeps no changes. ' +
        'docs/simulator.md describes its control API: faults, lag, quota, new mail, the truth.',
    )
    .action((options: SimulateOptions) => simulate(cli, options));
}

async function simulate(cli: Cli, options: SimulateOptions): Promise<void> {
  const context = await contextOf(cli, options);
  const [{ openSimulator }, { priceTableOf }] = await Promise.all([
    import('../simulator/open.ts'),
    import('../config/quota-variables.ts'),
  ]);
  const prices = priceTableOf(context.config, context.clock);
  const simulated = await openSimulator({ ...requestOf(context, options), prices });
  try {
    const mailboxes = await writeCredentials(simulated.mailboxes, options.credentials);
    report(context, simulated, mailboxes);
    await untilAborted(cli.signal);
  } finally {
    await simulated.close();
  }
}

function requestOf({ config, clock, env }: VerbContext, options: SimulateOptions): Omit<SimulateRequest, 'prices'> {
  const { userUnitsPerMinute, projectUnitsPerMinute } = config.quota;
  return {
    port: options.port,
    host: options.host,
    allowedHosts: options.allowHost ?? [],
    emails: options.email ?? [parseEmail(DEFAULT_EMAIL)],
    messages: options.messages,
    mbox: options.mbox ?? null,
    clock,
    lenient: options.lenient === true,
    push: subscriptionOf(config, options.pushEndpoint),
    emulatorHost: env['PUBSUB_EMULATOR_HOST'] ?? null,
    quota:
      options.quota === true
        ? { window: 'sliding-minute', userUnitsPerMinute, projectUnitsPerMinute }
        : { window: 'off' },
  };
}

interface CredentialFile {
  readonly email: string;
  readonly messages: number;
  /** Path of the file. */
  readonly credentials: string;
}

async function writeCredentials(
  mailboxes: readonly ServedMailbox[],
  directory: string,
): Promise<readonly CredentialFile[]> {
  const files: CredentialFile[] = [];
  for (const { email, messages, credentials } of mailboxes) {
    const file = resolve(directory, `${email}.json`);
    await writeFile(file, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
    files.push({ email, messages, credentials: file });
  }
  return files;
}

function report({ out }: VerbContext, { url, keysUrl }: ServedSimulator, mailboxes: readonly CredentialFile[]): void {
  const variables = {
    GMAIL_ROOT_URL: url,
    GOOGLE_TOKEN_URL: `${url}/token`,
    ...(keysUrl === null ? {} : { GOOGLE_KEYS_URL: keysUrl }),
  };
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  out.result({ url, ...variables, mailboxes }, () => [
    `The simulator answers at ${url}.`,
    ...mailboxes.map(({ email, messages }) => `  ${email}  ${counted(messages, 'message')}`),
    '',
    'Point Tidemark, or any Gmail client, at it:',
    `  export ${assignments.join(' ')}`,
    ...mailboxes.map(({ email, credentials }) => `  tidemark connect ${email} --credentials ${shellWord(credentials)}`),
    '',
    'Ctrl-C ends it. It keeps no changes.',
  ]);
}

/** A path as a person can paste it into a shell. */
function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

const DEFAULT_SERVICE_ACCOUNT = 'push@simulator.iam.gserviceaccount.com';

function subscriptionOf({ push }: Config, endpoint: string | undefined): PushSubscription | null {
  if (endpoint === undefined) return null;
  return {
    endpoint,
    audience: push.audience ?? endpoint,
    serviceAccount: push.serviceAccount ?? DEFAULT_SERVICE_ACCOUNT,
  };
}
