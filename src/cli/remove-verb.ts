import type { Command } from 'commander';

import { UsageError } from '../model/program-errors.ts';
import { renamedMailbox } from '../client/renamed-mailbox.ts';
import type { RemovedMailbox } from '../client/remove-mailbox.ts';
import type { MailboxId } from '../model/ids.ts';
import { wasRenamed } from './renamed.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { count } from './words.ts';

interface RemoveOptions extends VerbOptions {
  readonly yes?: boolean;
}

export function addRemove(program: Command, cli: Cli): void {
  mailboxVerb(program, 'remove', {
    examples: ['tidemark remove ada@example.com --yes'],
  })
    .option('--yes', 'really: nothing of it can be brought back from here')
    .addHelpText(
      'after',
      '\nThe mail at Gmail stays as it is. A removal that is interrupted goes ' +
        'on when it is asked for again, or by a worker.',
    )
    .action((mailbox: MailboxId, options: RemoveOptions) => {
      if (options.yes !== true)
        throw new UsageError(
          `This deletes everything of ${mailbox} from this database. If that is meant: ` +
            `tidemark remove ${mailbox} --yes`,
        );
      return withTidemark(cli, options, async ({ tidemark, out, signal }) => {
        const renamed = await renamedMailbox(tidemark.store, mailbox);
        if (renamed !== null) throw wasRenamed(mailbox, renamed);
        const wasConnected = (await tidemark.credentials.get(mailbox)) !== null;
        const removed = await tidemark.client.remove(mailbox, { signal });
        out.result({ mailbox, ...removed }, () => removedWords(mailbox, removed, wasConnected));
      });
    });
}

function removedWords(mailbox: MailboxId, removed: RemovedMailbox, wasConnected: boolean): string {
  const { wasStored, wasRunning, rows } = removed;
  if (wasStored || wasRunning || rows > 0) return `${mailbox} is removed: ${count(rows)} rows.`;
  return wasConnected
    ? `${mailbox} is removed: its credentials. No mail of it was stored.`
    : `There is nothing of ${mailbox} here, so nothing was removed. All mailboxes: tidemark list`;
}
