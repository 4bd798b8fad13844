import { MailboxNotRunningError, MailboxUnknownError } from '../client/errors.ts';
import { renamedMailbox } from '../client/renamed-mailbox.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';

/** Returns the error, or, when it is about a mailbox that was renamed, one that names the new address. */
export async function orRenamed(error: unknown, store: MailboxRegistry): Promise<unknown> {
  const mailbox = missingMailbox(error);
  const renamed = mailbox === null ? null : await renamedMailbox(store, mailbox);
  if (renamed === null) return error;
  return new CannotDoError(
    'mailbox-renamed',
    `${mailbox} was renamed, and is the mailbox ${renamed} now: give that address instead.`,
    { cause: error },
  );
}

/** The mailbox that an error reports as unknown or not running. */
function missingMailbox(error: unknown): MailboxId | null {
  return error instanceof MailboxUnknownError ||
    error instanceof MailboxNotRunningError ||
    error instanceof CannotDoError
    ? error.mailbox
    : null;
}
