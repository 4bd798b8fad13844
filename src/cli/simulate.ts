import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { collect, parseCountFromZero, parseEmail, parsePort } from './arguments.ts';
import { priceTableOf } from '../open-tidemark.ts';
import { contextOf, untilAborted, verb, type Cli, type VerbOptions } from './context.ts';
import { counted } from './words.ts';

interface SimulateOptions extends VerbOptions {
  readonly port: number;
  readonly host: string;
  readonly messages: number;
  readonly mbox?: string;
  readonly email?: readonly MailboxId[];
  readonly credentials: string;
  readonly quota?: boolean;
}

const DEFAULT_EMAIL = 'ada@example.com';

export function addSimulate(program: Command, cli: Cli): void {
  verb(program, 'simulate', {
    summary: 'run a local Gmail to try things with',
    examples: ['tidemark simulate', 'tidemark simulate --port 8025 --messages 10000 --email ada@example.com --email bob@example.com', 'tidemark simulate --mbox takeout.mbox'],
  })
    .option('--port <n>', 'port to listen on; 0 takes a free one', parsePort, 8025)
    .option('--host <address>', 'address to listen on; whoever reaches it reads and changes the mail', '127.0.0.1')
    .option('--messages <n>', 'generated messages in each mailbox', parseCountFromZero, 2_000)
    .option('--mbox <file>', 'your own mail instead: an mbox file (Google Takeout) or a folder of .eml')
    .option('--email <address>', 'a mailbox; may be given more than once (default ada@example.com)', collect(parseEmail))
    .option('--credentials <dir>', 'where credential files are written', '.')
    .option('--quota', 'hold callers to the quota that GMAIL_QUOTA_PRICES and GMAIL_*_UNITS_PER_MINUTE give, instead of only counting')
    .addHelpText('after', '\nRuns until Ctrl-C. docs/simulator.md describes its control API: faults, lag, quota, new mail, the truth.')
    .action(async (options: SimulateOptions) => {
      const { out, clock, config } = contextOf(cli, options);
      const { userUnitsPerMinute, projectUnitsPerMinute } = config.quota;
      const { openSimulator } = await import('../simulator/open.ts');
      const simulated = await openSimulator({
        port: options.port,
        host: options.host,
        emails: options.email ?? [parseEmail(DEFAULT_EMAIL)],
        messages: options.messages,
        mbox: options.mbox ?? null,
        clock,
        prices: priceTableOf(config),
        quota: options.quota === true ? { window: 'sliding-minute', userUnitsPerMinute, projectUnitsPerMinute } : { window: 'off' },
      });
      try {
        const mailboxes: { email: string; messages: number; credentials: string }[] = [];
        for (const { email, messages, credentials } of simulated.mailboxes) {
          const file = resolve(options.credentials, `${email}.json`);
          await writeFile(file, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
          mailboxes.push({ email, messages, credentials: file });
        }
        const { url } = simulated;
        out.result({ url, GMAIL_ROOT_URL: url, GOOGLE_TOKEN_URL: `${url}/token`, mailboxes }, () =>
          [
            `The simulator answers at ${url}.`,
            ...mailboxes.map(({ email, messages }) => `  ${email}  ${counted(messages, 'message')}`),
            '',
            'Point Tidemark, or any Gmail client, at it:',
            `  export GMAIL_ROOT_URL=${url} GOOGLE_TOKEN_URL=${url}/token`,
            ...mailboxes.map(({ email, credentials }) => `  tidemark connect ${email} --credentials ${credentials}`),
            '',
            'Ctrl-C ends it.',
          ].join('\n'),
        );
        await untilAborted(cli.signal);
      } finally {
        await simulated.close();
      }
    });
}
