import type { Command } from 'commander';

import type { FeedChange } from '../model/change.ts';
import type { MailboxId } from '../model/ids.ts';
import { CannotDoError, UsageError } from '../model/program-errors.ts';
import { parseCount, parseEmail } from './arguments.ts';
import { verb, withStores, type Cli, type VerbOptions } from './verb-context.ts';
import { timeOf } from './words.ts';

interface ChangesOptions extends VerbOptions {
  readonly after?: string;
  readonly limit?: number;
  readonly follow?: boolean;
  readonly all?: boolean;
}

export function addChanges(program: Command, cli: Cli): void {
  verb(program, 'changes', {
    examples: ['tidemark changes ada@example.com --after 1200', 'tidemark changes --follow --json'],
  })
    .argument('[email]', 'the mailbox; without it, all mailboxes', parseEmail)
    .option('--all', 'the changes of all mailboxes, as without an address')
    .option(
      '--after <cursor>',
      'begin after the change with this cursor, or, of one mailbox, with this sequence number',
    )
    .option('--limit <changes>', 'print at most this many, and say when more follow', parseCount)
    .option('--follow', 'go on with changes as they come, until Ctrl-C')
    .addHelpText(
      'after',
      '\nWith --json each change is a line. Remember the cursor of the last one, and no change is missed. ' +
        'Needs no Temporal server.',
    )
    .action((mailbox: MailboxId | undefined, options: ChangesOptions) => printChanges(cli, mailbox ?? null, options));
}

function printChanges(cli: Cli, mailbox: MailboxId | null, options: ChangesOptions): Promise<void> {
  if (mailbox !== null && options.all === true)
    throw new UsageError('Name a mailbox, or give --all, and not both: tidemark changes --all');
  const { follow = false, limit = null } = options;
  return withStores(cli, options, async ({ stores, out, clock, signal }) => {
    const { followChanges } = await import('../reading/follow-changes.ts');
    if (mailbox !== null && (await stores.store.getMailbox(mailbox)) === null) throw unknownMailbox(mailbox);
    const after = placeOf(options.after, mailbox);
    let printed = 0;
    let last: FeedChange | null = null;
    const request = { ...(mailbox === null ? {} : { mailbox }), ...(after === null ? {} : { after }), follow, signal };
    for await (const change of followChanges(stores.database, request, clock)) {
      if (last !== null && printed === limit) {
        const place = mailbox === null ? last.cursor : String(last.sequence);
        out.notice(`More changes follow: tidemark changes ${mailbox ?? '--all'} --after ${place}`);
        return;
      }
      await out.line(out.json ? JSON.stringify(change) : lineOf(change, mailbox === null));
      last = change;
      printed += 1;
    }
    signal.throwIfAborted();
    if (mailbox === null && last !== null && !out.json)
      out.notice(`These were all. Later ones: tidemark changes --after ${last.cursor}`);
  });
}

/** A number is a sequence number, which only one mailbox has. */
function placeOf(after: string | undefined, mailbox: MailboxId | null): string | number | null {
  if (after === undefined) return null;
  if (!/^\d+$/.test(after)) return after;
  if (mailbox === null)
    throw new UsageError(
      `${after} is a sequence number, and each mailbox counts its own. Name the mailbox, or give a cursor: ` +
        'tidemark changes --json prints one with each change',
    );
  return Number(after);
}

function lineOf(change: FeedChange, isOfAll: boolean): string {
  const { sequence, at, kind, messageId, mailbox } = change;
  const who = isOfAll ? `${mailbox}  ` : '';
  return `${who}${sequence}  ${timeOf(at)}  ${kind.padEnd(6)}  ${messageId}  ${differenceOf(change)}`;
}

function differenceOf(change: FeedChange): string {
  if (change.kind === 'gone') return change.why;
  if (change.kind === 'stored' || change.added === null || change.removed === null) return change.labelIds.join(' ');
  return [...change.added.map((label) => `+${label}`), ...change.removed.map((label) => `-${label}`)].join(' ');
}

const unknownMailbox = (mailbox: MailboxId): CannotDoError =>
  new CannotDoError(
    'mailbox-unknown',
    `Nothing of ${mailbox} is stored here. Check the address, and DATABASE_URL, ` +
      'which names the database; see: tidemark list',
    { mailbox },
  );
