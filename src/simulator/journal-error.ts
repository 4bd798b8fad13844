import { TidemarkError } from '../model/tidemark-error.ts';

/** Thrown when a journal cannot be used. */
export class JournalError extends TidemarkError {
  override readonly name = 'JournalError';
  readonly code = 'simulator';
}
