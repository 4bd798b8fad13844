import { renamedMailbox } from '../client/renamed-mailbox.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import { TidemarkError, type TidemarkErrorCode } from '../model/tidemark-error.ts';

/** Returns the error, or, when it is about a mailbox that was renamed, one that names the new address. */
export async function orRenamed(error: unknown, store: MailboxRegistry): Promise<unknown> {
  const mailbox = missingMailbox(error);
  const renamed = mailbox === null ? null : await renamedMailbox(store, mailbox);
  if (mailbox === null || renamed === null) return error;
  return wasRenamed(mailbox, renamed, { cause: error });
}

export const wasRenamed = (mailbox: MailboxId, renamed: MailboxId, options?: ErrorOptions): CannotDoError =>
  new CannotDoError(
    'mailbox-renamed',
    `${mailbox} was renamed, and is the mailbox ${renamed} now: give that address instead.`,
    options,
  );

const MISSING: readonly TidemarkErrorCode[] = ['mailbox-unknown', 'mailbox-not-connected', 'mailbox-not-running'];

/** The mailbox that an error reports as unknown, not connected or not running. */
function missingMailbox(error: unknown): MailboxId | null {
  return error instanceof TidemarkError && MISSING.includes(error.code) ? error.mailbox : null;
}
