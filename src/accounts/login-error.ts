import { TidemarkError, type TidemarkErrorOptions } from '../model/tidemark-error.ts';

/** Thrown when a mailbox cannot be connected, or cannot be asked for its labels. */
export class LoginError extends TidemarkError {
  override readonly name = 'LoginError';
  readonly code:
    'wrong-account' | 'unknown-label' | 'credentials-refused' | 'scope-missing' | 'scope-barred' | 'gmail-unavailable';

  constructor(code: LoginError['code'], message: string, options?: TidemarkErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
