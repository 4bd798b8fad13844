import { TidemarkError, type TidemarkErrorCode, type TidemarkErrorOptions } from './tidemark-error.ts';

/** Thrown when a person or program asked for something that makes no sense. */
export class UsageError extends TidemarkError {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}

/** Thrown when a request cannot be carried out now; the message says why and what to do. */
export class CannotDoError extends TidemarkError {
  override readonly name = 'CannotDoError';
  readonly code: TidemarkErrorCode;

  constructor(code: TidemarkErrorCode, message: string, options?: TidemarkErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown when the work is done but messages are missing, and the caller asked for an exit code that says so. */
export class IncompleteError extends TidemarkError {
  override readonly name = 'IncompleteError';
  readonly code = 'messages-failed';
}
