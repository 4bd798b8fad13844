import type { MailboxId } from './ids.ts';

/** Thrown when a person or program asked for what cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Thrown when something was asked for that cannot be done now; the message says why and what to do. */
export class CannotDoError extends Error {
  override readonly name = 'CannotDoError';
  readonly code: string;

  /** The mailbox that there is not; null where the error is about something else. */
  readonly mailbox: MailboxId | null;

  constructor(code: string, message: string, { mailbox = null, ...options }: ErrorOptions & { readonly mailbox?: MailboxId | null } = {}) {
    super(message, options);
    this.code = code;
    this.mailbox = mailbox;
  }
}

/** Thrown when everything was done, and messages are missing all the same, which the caller wanted to hear by the exit code. */
export class IncompleteError extends Error {
  override readonly name = 'IncompleteError';
}
