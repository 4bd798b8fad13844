import { TidemarkError } from '../model/tidemark-error.ts';

/** Thrown when a file with mail cannot be imported, or cannot be read again later. */
export class MailFileError extends TidemarkError {
  override readonly name = 'MailFileError';
  readonly code = 'simulator';
}
