import type { Command } from 'commander';

import type { MailboxId } from '../model/ids.ts';
import { parseCount } from './arguments.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './context.ts';
import { ago, counted, table } from './words.ts';

interface FailuresOptions extends VerbOptions {
  readonly retry?: boolean;
  readonly limit: number;
}

export function addFailures(program: Command, cli: Cli): void {
  mailboxVerb(program, 'failures', {
    summary: 'messages of a mailbox that could not be fetched',
    examples: ['tidemark failures ada@example.com', 'tidemark failures ada@example.com --retry'],
  })
    .option('--retry', 'try all of them again now')
    .option('--limit <n>', 'show so many at most', parseCount, 100)
    .addHelpText('after', '\nFailed messages are tried again by themselves, ever more rarely; one that turns up leaves the list.')
    .action((mailbox: MailboxId, options: FailuresOptions) =>
      withTidemark(cli, options, async ({ tidemark, out, clock }) => {
        const { counts } = await tidemark.client.status(mailbox);
        const failures = counts.failed === 0 ? [] : await tidemark.client.failures(mailbox, { limit: options.limit });
        const retrying = options.retry === true && counts.failed > 0;
        if (retrying) await tidemark.client.retryFailures(mailbox);
        out.result({ mailbox, failed: counts.failed, retrying, failures }, () => {
          if (counts.failed === 0) return `${mailbox} has no failed messages.`;
          const now = clock.now();
          const rows = failures.map(({ id, error, attempts, nextAttemptAt }) => [id, error, `${attempts}`, retrying || nextAttemptAt <= now ? 'now' : ago(nextAttemptAt, now)]);
          return `${table(['message', 'reason', 'attempts', 'next attempt'], rows)}\n\n${counted(counts.failed, 'failed message')}${retrying ? ': tried again now' : `. Try them now: tidemark failures ${mailbox} --retry`}.`;
        });
      }),
    );
}
