import { TidemarkError } from '../model/tidemark-error.ts';

/** What a person can do without the journal. Its mailbox stays in the store, so another one needs another address. */
export const OTHER_MAILBOX = 'begin another mailbox, with another number of messages or another mbox file.';

/** Thrown when a journal cannot be used. */
export class JournalError extends TidemarkError {
  override readonly name = 'JournalError';
  readonly code = 'simulator';
}
