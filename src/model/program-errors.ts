import type { MailboxId } from './ids.ts';

/** Thrown when a person or program asked for something that makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Thrown when a request cannot be carried out now; the message says why and what to do. */
export class CannotDoError extends Error {
  override readonly name = 'CannotDoError';
  readonly code: string;

  /** The mailbox that does not exist; null when the error is about something else. */
  readonly mailbox: MailboxId | null;

  constructor(
    code: string,
    message: string,
    { mailbox = null, ...options }: ErrorOptions & { readonly mailbox?: MailboxId | null } = {},
  ) {
    super(message, options);
    this.code = code;
    this.mailbox = mailbox;
  }
}

/** Thrown when the work is done but messages are missing, and the caller asked for an exit code that says so. */
export class IncompleteError extends Error {
  override readonly name = 'IncompleteError';
}
