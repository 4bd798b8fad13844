import { TidemarkError, type TidemarkErrorOptions } from '../../model/tidemark-error.ts';

/** Thrown when the users of a domain cannot be listed. The message says what to do. */
export class DirectoryError extends TidemarkError {
  override readonly name = 'DirectoryError';
  readonly code: `domain-${DirectoryError['reason']}`;
  readonly reason: 'no-administrator' | 'scope-missing' | 'no-such-org-unit' | 'api-disabled' | 'google-unavailable';

  constructor(reason: DirectoryError['reason'], message: string, options?: TidemarkErrorOptions) {
    super(message, options);
    this.code = `domain-${reason}`;
    this.reason = reason;
  }
}
