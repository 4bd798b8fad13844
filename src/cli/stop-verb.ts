import type { Command } from 'commander';

import { NO_WORKER } from './no-worker.ts';
import type { MailboxId } from '../model/ids.ts';
import { waitsBehind } from './require-answerable.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';

export function addStop(program: Command, cli: Cli): void {
  mailboxVerb(program, 'stop', {
    examples: ['tidemark stop ada@example.com'],
  }).action((mailbox: MailboxId, options: VerbOptions) =>
    withTidemark(cli, options, async ({ tidemark, out, signal }) => {
      // Asked before the signal: a signal makes the server count the task's attempts from one again.
      const failing = await tidemark.client.failingTask(mailbox);
      const { ended } = await tidemark.client.stop(mailbox, { signal });
      if (!ended && failing !== null) throw waitsBehind(mailbox, failing);
      out.result({ mailbox, stopped: ended }, () =>
        ended
          ? `${mailbox} is stopped; its mail stays. Start it again: tidemark start ${mailbox}`
          : `${mailbox} is asked to stop, and has not ended yet: a worker must end its work first. ${NO_WORKER}`,
      );
    }),
  );
}
